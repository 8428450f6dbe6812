import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  freePort,
  rawServer,
  requireDebian,
  startNode,
  tempDir,
  type RawHandler,
  type RawServer,
} from '@budao/testkit'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** A shop that answers with a status that a test may change. */
async function shop(t: TestContext) {
  const health = { status: 200 }
  const handler: RawHandler = ({ connection }) => connection.respond(health.status, 'shop')
  return { server: await rawServer(t, handler), health }
}

/** `budao up` before a shop at two sites, with DNS, in a folder of its own. */
async function up(t: TestContext, east: RawServer, west: RawServer) {
  const dir = tempDir(t)
  const admin = await freePort()
  const write = (names: string): void =>
    writeFileSync(
      join(dir, 'budao.yaml'),
      `version: 1
node: { name: gw-1, site: east }
sites: { east: {}, west: {} }
admin: { address: '127.0.0.1:${admin}' }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services:
  shop:
    endpoints:
      - { address: '${east.address}', site: east }
      - { address: '${west.address}', site: west }
    healthCheck: { type: http, interval: 100ms, timeout: 100ms, unhealthyAfter: 2 }
routes: [{ name: all, backends: [{ service: shop }] }]
gslb:
  listen: [127.0.0.1:0]
  http: { address: 127.0.0.1:0 }
  sites:
    east: { addresses: [192.0.2.1] }
    west: { addresses: [198.51.100.1] }
  zones:
    shop.example:
      nameServers: [ns1.shop.example]
      names: ${names}
`,
    )
  write('{ api: { services: [shop], returnAfter: 0s } }')
  const run = (args: readonly string[]) => startNode(t, [main, ...args], { cwd: dir, env: process.env })
  const process_ = run(['up'])
  const [, port = ''] = await process_.waitForOutput(/dns {2}127\.0\.0\.1:(\d+)/, 60_000)
  const [, http = ''] = await process_.waitForOutput(/dns {2}(http:\S+)/)
  await process_.waitForOutput(/serves snapshot/)
  return { run, write, port, http, admin: `http://127.0.0.1:${admin}`, process: process_ }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; !(await holds()); await pause(20))
    assert.ok(performance.now() < end, `in vain: ${what}`)
}

test('budao up answers DNS from the health of its services: a site dies, is drained, and all are down', async (t) => {
  const [east, west] = await Promise.all([shop(t), shop(t)])
  const dig = await requireDebian(t, 'bind9-dnsutils', 'dig')
  if (dig === undefined) return
  const { run, write, port, http, admin, process: gateway } = await up(t, east.server, west.server)
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(dig, ['@127.0.0.1', '-p', port, '+short', ...args])).stdout.trim()
  assert.equal(await ask('api.shop.example'), '192.0.2.1')

  const drain = run(['drain', 'east', '--reason', 'new kernel', '--url', admin])
  assert.equal(await drain.exited(), 0, drain.output)
  await until('the drained site is out', async () => (await ask('api.shop.example')) === '198.51.100.1')
  assert.match(
    await (await fetch(`${admin}/metrics`)).text(),
    /budao_dns_withdrawn_requests_per_second\{site="east"\} 0/,
  )
  const undo = run(['drain', 'east', '--undo', '--url', admin])
  assert.equal(await undo.exited(), 0, undo.output)
  await until('it is back', async () => (await ask('api.shop.example')) === '192.0.2.1')

  // The gateway looks every 100 ms; what it finds is in the answers at once, whichever way they are asked for.
  east.health.status = 503
  await until('west is answered', async () => (await ask('api.shop.example')) === '198.51.100.1')
  assert.equal(await (await fetch(`${http}/d?dn=api.shop.example`)).text(), '198.51.100.1')
  const { events } = (await (await fetch(`${admin}/api/v1/events?limit=1000`)).json()) as {
    events: { kind: string; at: string; subject: string }[]
  }
  const found = events.findIndex(({ kind }) => kind === 'endpoint.unhealthy')
  const answered = events.findIndex(({ kind }, index) => kind === 'gslb.changed' && index > found)
  t.diagnostic(`verdict to answer: ${Date.parse(events[answered]!.at) - Date.parse(events[found]!.at)} ms`)

  const explained = run(['dns', 'explain', 'api.shop.example', '--client', '203.0.113.7', '--url', admin])
  assert.equal(await explained.exited(), 0, explained.output)
  assert.match(explained.output, /api\.shop\.example for 203\.0\.113\.7: west \(198\.51\.100\.1\)/)
  assert.match(explained.output, /Only west can be answered with\./)

  write('{ api: { services: [shop] }, "@": { services: [shop], policy: all-active } }')
  await until('the changed file is in force', async () => (await ask('shop.example')) === '198.51.100.1')
  west.health.status = 503
  const stale = /budao_dns_name_stale\{name="api\.shop\.example"\} 1/
  await until('stale answers', async () => stale.test(await (await fetch(`${admin}/metrics`)).text()))
  assert.equal(await ask('api.shop.example'), '198.51.100.1')
  const status = run(['dns', 'status', '--url', admin])
  assert.equal(await status.exited(), 1, status.output)
  assert.match(status.output, /api\.shop\.example {2}last good {2}5s +east +down/)
  assert.equal(await gateway.stop(), 0)
})

test('a gateway alone answers no DNS, and says so', async (t) => {
  const [east, west] = await Promise.all([shop(t), shop(t)])
  const { run, admin, process: gateway } = await up(t, east.server, west.server)
  assert.equal(await gateway.stop(), 0)
  const alone = run(['gateway'])
  await alone.waitForOutput(/serves snapshot/, 60_000)
  const status = run(['dns', 'status', '--url', admin])
  assert.equal(await status.exited(), 1)
  assert.match(status.output, /answered 404: this process answers no DNS \(Give it names under gslb/)
})
