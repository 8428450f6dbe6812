import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rawServer, startNode, tempDir } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))

async function backend(t: TestContext, body: string): Promise<string> {
  const server = await rawServer(t, ({ connection }) =>
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  )
  return `127.0.0.1:${server.port}`
}

/** What the address answers, once it is that. */
async function answers(url: string, expected: string): Promise<void> {
  const end = performance.now() + 20_000
  for (;;) {
    const body = await fetch(url).then(
      (response) => response.text(),
      (error: unknown) => String(error),
    )
    if (body === expected) return
    assert.ok(performance.now() < end, `waited in vain for ${expected}, got ${body}`)
    await pause(50)
  }
}

test('budao up serves what a file of nginx beside the configuration says, and follows its changes', async (t) => {
  const [first, second] = [await backend(t, 'first'), await backend(t, 'second')]
  const dir = tempDir(t)
  const file = join(dir, 'budao.yaml')
  const beside = join(dir, 'nginx.conf')
  const nginx = (address: string): string =>
    `upstream shop { server ${address}; } server { listen 127.0.0.1:1; location / { proxy_pass http://shop; gzip on; } }`
  writeFileSync(
    file,
    `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
admin: { address: 127.0.0.1:0 }
listeners: [{ name: http-1, address: 127.0.0.1:0, protocol: http }]
`,
  )
  writeFileSync(beside, nginx(first))
  const process = startNode(t, [program, 'up', '-c', file, '-f', `nginx:${beside}`])
  const [, url] = await process.waitForOutput(/http-1 {2}(http:\S+)/)
  await process.waitForOutput(/serves snapshot/)
  assert.match(process.output, /nginx\.conf:1: lost: gzip on: answers are not compressed/)
  await answers(url!, 'first')
  writeFileSync(beside, nginx(second))
  await answers(url!, 'second')
  // A file that is broken is refused whole, and the old one goes on.
  writeFileSync(beside, 'server {')
  await process.waitForOutput(/expected a directive or/)
  await answers(url!, 'second')
})
