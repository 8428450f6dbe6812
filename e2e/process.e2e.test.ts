import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'
import { rawServer, startNode, tempDir, type TestProcess } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))

interface Written {
  readonly endpoint: string
  /** Text at the end of the file. */
  readonly more?: string
}

function configText({ endpoint, more = '' }: Written): string {
  return `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
admin: { address: 127.0.0.1:0 }
drain: 20s
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services: { shop: { timeouts: { request: 20s }, endpoints: [{ address: "${endpoint}", site: east }] } }
routes: [{ name: all, backends: [{ service: shop }] }]
${more}`
}

/** `budao up` on a file that the test may rewrite. */
async function up(
  t: TestContext,
  file: string,
  ...more: string[]
): Promise<{ process: TestProcess; url: string; admin: string }> {
  const process = startNode(t, [program, 'up', '-c', file, ...more])
  const [, url] = await process.waitForOutput(/web {2}(http:\S+)/)
  const [, admin] = await process.waitForOutput(/admin and console {2}(http:\S+)/)
  await process.waitForOutput(/serves snapshot/)
  return { process, url: url!, admin: admin! }
}

async function backend(t: TestContext, body: string) {
  return rawServer(t, ({ connection }) =>
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  )
}

/** Whether a connection to that address is refused. */
async function refuses(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

test('a refused file does not start, and --last-good starts with the snapshot in force last', async (t) => {
  const shop = await backend(t, 'shop')
  const file = join(tempDir(t), 'budao.yaml')
  writeFileSync(file, configText({ endpoint: shop.address }))
  const first = await up(t, file)
  assert.equal(await (await fetch(`${first.url}/`)).text(), 'shop')
  first.process.child.kill('SIGTERM')
  assert.equal(await first.process.exited(), 0)

  writeFileSync(file, configText({ endpoint: shop.address, more: 'lisners: []' }))
  const refused = startNode(t, [program, 'up', '-c', file])
  assert.equal(await refused.exited(), 1)
  assert.match(refused.output, /budao\.yaml:9:1 {2}lisners: unknown key.*did you mean `listeners`/)
  assert.match(refused.output, /--last-good/)

  const second = await up(t, file, '--last-good')
  assert.equal(await (await fetch(`${second.url}/`)).text(), 'shop')
})

test('a changed file is taken at once, also on SIGHUP; a broken one is refused whole and said', async (t) => {
  const [old, renewed] = [await backend(t, 'old'), await backend(t, 'new')]
  const file = join(tempDir(t), 'budao.yaml')
  writeFileSync(file, configText({ endpoint: old.address }))
  const { process, url, admin } = await up(t, file)
  assert.equal(await (await fetch(`${url}/`)).text(), 'old')

  writeFileSync(file, configText({ endpoint: renewed.address }))
  process.child.kill('SIGHUP')
  await process.waitForOutput(/Snapshot 2 of/)
  assert.equal(await (await fetch(`${url}/`)).text(), 'new')

  writeFileSync(file, configText({ endpoint: old.address, more: 'routes: 7' }))
  await process.waitForOutput(/configuration was refused; snapshot 2 goes on/)
  assert.equal(await (await fetch(`${url}/`)).text(), 'new')
  const report = (await (await fetch(`${admin}/api/v1/status`)).json()) as {
    refused: { problems: string[] } | null
  }
  assert.match(report.refused!.problems[0]!, /budao\.yaml:9:1/)
})

test('SIGTERM lets a request under way finish, and takes no new one', async (t) => {
  const asked = Promise.withResolvers<() => void>()
  const slow = await rawServer(t, ({ connection }) => {
    asked.resolve(() => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'))
  })
  const file = join(tempDir(t), 'budao.yaml')
  writeFileSync(file, configText({ endpoint: slow.address }))
  const { process, url } = await up(t, file)
  const underWay = fetch(`${url}/`)
  // A connection is not yet a request.
  const answer = await asked.promise
  process.child.kill('SIGTERM')
  await process.waitForOutput(/accepts nothing new/)
  // The threads close their listeners when they hear of it, a moment later.
  const until = performance.now() + 10_000
  while (!(await refuses(url)) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(await refuses(url), true)
  answer()
  const response = await underWay
  assert.equal(await response.text(), 'done')
  assert.equal(response.headers.get('connection'), 'close')
  assert.equal(await process.exited(), 0)
})
