import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort, rawServer, startNode, tempDir } from '@budao/testkit'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

test('a person purges what a running gateway keeps', async (t) => {
  let asked = 0
  const backend = await rawServer(t, async ({ connection, body }) => {
    await body()
    connection.respond(200, `#${++asked}`, { 'Cache-Control': 'max-age=60', 'Cache-Tag': 'offers' })
  })
  const dir = tempDir(t)
  const admin = await freePort()
  writeFileSync(
    join(dir, 'budao.yaml'),
    `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
admin: { address: '127.0.0.1:${admin}', tokens: { operator: do-all-of-it-00001 } }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services: { shop: { endpoints: [{ address: '${backend.address}', site: east }] } }
routes: [{ name: all, backends: [{ service: shop }], cache: {} }]
`,
  )
  const { BUDAO_TOKEN: _, ...env } = process.env
  const budao = (...args: string[]) => startNode(t, [main, ...args], { cwd: dir, env })
  const up = budao('gateway', '--json')
  const [, address = ''] = await up.waitForOutput(/"web": "([^"]+)"/)
  await up.waitForOutput(/"pid"/)
  const get = async (): Promise<string> => (await fetch(`http://${address}/a`)).text()
  assert.equal(await get(), '#1')
  assert.equal(await get(), '#1')

  const byTag = budao('cache', 'purge', '--tag', 'offers')
  assert.equal(await byTag.exited(), 0, byTag.output)
  assert.match(byTag.output, /1 kept answer purged/)
  assert.equal(await get(), '#2')
  const byAddress = budao('cache', 'purge', '--address', `http://${address}/a`, '--json')
  assert.equal(await byAddress.exited(), 0, byAddress.output)
  assert.match(byAddress.output, /"removed": 1/)
  assert.equal(await get(), '#3')

  const wrong: [args: string[], exit: number, says: RegExp][] = [
    [[], 2, /nothing to purge/],
    [['--all', '--tag', 'x'], 2, /--all goes with nothing else/],
    [['--address', 'shop.example/a'], 1, /expected an address such as/],
  ]
  for (const [args, exit, says] of wrong) {
    const refused = budao('cache', 'purge', ...args)
    assert.equal(await refused.exited(), exit, refused.output)
    assert.match(refused.output, says)
  }
})
