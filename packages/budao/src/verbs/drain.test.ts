import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, rawServer, startNode, tempDir, type RawHandler, type RawServer } from '@budao/testkit'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const token = 'do-all-of-it-00001'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

function budao(t: TestContext, args: readonly string[], cwd: string) {
  const { BUDAO_TOKEN: _, ...env } = process.env
  return startNode(t, [main, ...args], { cwd, env })
}

/** A gateway process before a shop at two sites, in a folder of its own. */
async function gateway(t: TestContext, east: RawServer, west: RawServer) {
  const dir = tempDir(t)
  const admin = await freePort()
  writeFileSync(
    join(dir, 'budao.yaml'),
    `version: 1
node: { name: gw-1, site: east }
sites: { east: {}, west: {} }
admin: { address: '127.0.0.1:${admin}', tokens: { viewer: see-all-of-it-0001, operator: ${token} } }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services:
  shop:
    mode: active-active
    balance: round-robin
    timeouts: { request: 1m }
    retry: { attempts: 0 }
    endpoints:
      - { address: '${east.address}', site: east }
      - { address: '${west.address}', site: west }
routes: [{ name: all, backends: [{ service: shop }] }]
`,
  )
  const start = async () => {
    const up = budao(t, ['gateway', '--json'], dir)
    const [, address = ''] = await up.waitForOutput(/"web": "([^"]+)"/, 60_000)
    await up.waitForOutput(/"pid"/)
    return { up, address }
  }
  return { dir, start, admin: `http://127.0.0.1:${admin}` }
}

test('a site is drained until nothing is under way there, over a restart, and put back', async (t) => {
  const east = await rawServer(t, fine)
  const west = await rawServer(t, () => {})
  const { dir, start } = await gateway(t, east, west)
  const first = await start()
  const asking: Promise<Response>[] = []
  while (west.heads.length === 0) {
    const came = east.heads.length + west.heads.length
    asking.push(fetch(`http://${first.address}/`))
    while (east.heads.length + west.heads.length === came) await pause(5)
  }
  const draining = budao(t, ['drain', 'west', '--reason', 'new kernel', '--wait'], dir)
  await draining.waitForOutput(/west: draining, \d+ requests? under way/)
  const status = budao(t, ['status'], dir)
  assert.equal(await status.exited(), 0, status.output)
  assert.match(status.output, /site west: draining, \d+ under way, since .*Z: new kernel/)
  for (const connection of west.connections) connection.respond(200, 'late')
  assert.equal(await draining.exited(), 0, draining.output)
  assert.match(draining.output, /west: drained, nothing is under way\n$/)
  await Promise.all(asking)

  assert.equal(await first.up.stop(), 0)
  const second = await start()
  const before = west.heads.length
  for (let n = 0; n < 4; n++) assert.equal((await fetch(`http://${second.address}/`)).status, 200)
  assert.equal(west.heads.length, before)

  const refused = budao(t, ['drain', east.address], dir)
  assert.equal(await refused.exited(), 1)
  assert.match(refused.output, /cannot be spared: service shop would have no endpoint left/)
  const forced = budao(t, ['drain', east.address, '--force', '--reason', 'flood', '--json'], dir)
  assert.equal(await forced.exited(), 0, forced.output)
  const { effect, drain } = JSON.parse(forced.output)
  assert.deepEqual([effect, drain.endpoint, drain.reason], ['created', east.address, 'flood'])
  assert.equal((await fetch(`http://${second.address}/`)).status, 503)

  const undone = budao(t, ['drain', east.address, '--undo'], dir)
  assert.equal(await undone.exited(), 0, undone.output)
  assert.match(undone.output, /gets requests again/)
  assert.equal((await fetch(`http://${second.address}/`)).status, 200)
})

test('an endpoint registers with curl’s means, and is there after a restart', async (t) => {
  const [east, west, guest] = [await rawServer(t, fine), await rawServer(t, fine), await rawServer(t, fine)]
  const { start, admin } = await gateway(t, east, west)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const url = `${admin}/api/v1/services/shop/endpoints/${guest.address}`
  const first = await start()
  const created = await fetch(url, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ site: 'east', lease: '1m' }),
  })
  assert.equal(created.status, 201)
  for (let n = 0; n < 3; n++) assert.equal((await fetch(`http://${first.address}/`)).status, 200)
  assert.ok(guest.heads.length > 0)
  // As after a power cut: nothing is written at the end.
  await first.up.kill()
  await start()
  const listed = await fetch(`${admin}/api/v1/services/shop/endpoints`, { headers })
  const { endpoints } = (await listed.json()) as { endpoints: { address: string; leaseMs: number | null }[] }
  const found = endpoints.find(({ address }) => address === guest.address)
  assert.ok(found !== undefined && found.leaseMs! > 10_000 && found.leaseMs! <= 60_000)
  assert.equal((await fetch(`${url}/renew`, { method: 'POST', headers })).status, 200)
  assert.equal((await fetch(url, { method: 'DELETE', headers })).status, 200)
  assert.equal((await fetch(`${url}/renew`, { method: 'POST', headers })).status, 404)
})

test('wrong usage exits 2 and says what is wrong', async (t) => {
  const table: [args: string[], says: RegExp][] = [
    [[], /missing required argument/],
    [['west', '--force'], /--force needs --reason/],
    [['west', '--undo', '--wait'], /--undo goes with neither/],
    [['west', '--service', 'shop'], /--service goes with an endpoint/],
    [['west', '--timeout', 'soon'], /Expected a duration/],
  ]
  for (const [args, says] of table) {
    const wrong = budao(t, ['drain', ...args], tempDir(t))
    assert.equal(await wrong.exited(), 2, args.join(' '))
    assert.match(wrong.output, says)
  }
})
