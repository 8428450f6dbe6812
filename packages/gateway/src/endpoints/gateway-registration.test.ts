import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { EndpointRegistration } from '@budao/model'
import { dnsServer, rawServer, tempDir, type RawHandler } from '@budao/testkit'
import { requestText, testFiles, testGateway, until, type TestGateway } from '../test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

function at(address: string, changes: Partial<EndpointRegistration> = {}): EndpointRegistration {
  return {
    service: 'shop',
    address,
    site: 'east',
    weight: 1,
    release: 'stable',
    rank: 0,
    leaseMs: 60_000,
    ...changes,
  }
}

const wish = { force: false, reason: '' }
const addresses = (gateway: TestGateway): string[] =>
  gateway.service().endpoints.map(({ address }) => address)

async function backends(t: TestContext, count: number) {
  return Promise.all(Array.from({ length: count }, () => rawServer(t, fine)))
}

test('a registered endpoint gets traffic at once, and leaves without a trace', async (t) => {
  const [own, guest] = await backends(t, 2)
  const gateway = await testGateway(t, { endpoints: [own!.address], service: { balance: 'round-robin' } })
  await gateway.request('/')
  const { directory } = gateway.gateway
  assert.deepEqual(await directory.register(at(guest!.address)), {
    ok: true,
    effect: 'created',
    snapshot: 2,
    leaseMs: 60_000,
  })
  for (let n = 0; n < 4; n++) assert.equal((await gateway.request('/')).body, 'fine')
  const [first, second] = gateway.service().endpoints
  assert.deepEqual([first!.origin, first!.leaseMs, second!.origin], ['configured', null, 'registered'])
  assert.ok(second!.leaseMs! > 50_000)
  assert.equal(first!.requestsTotal + second!.requestsTotal, 5, 'the first one keeps its counts')
  assert.ok(guest!.heads.length >= 2)

  assert.equal((await directory.register(at(guest!.address))).ok, true)
  assert.equal(gateway.gateway.snapshot!.version, 2, 'a renewal changes no snapshot')
  assert.deepEqual(await directory.register(at(guest!.address, { weight: 3 })), {
    ok: true,
    effect: 'changed',
    snapshot: 3,
    leaseMs: 60_000,
  })
  assert.equal((await directory.deregister('shop', guest!.address, wish)).ok, true)
  assert.deepEqual(addresses(gateway), [own!.address])
  await until('its connections to close', () => guest!.open === 0)
  const again = await directory.deregister('shop', guest!.address, wish)
  assert.equal(!again.ok && again.code, 'unknown-endpoint')
  assert.deepEqual(
    gateway.events.filter(({ kind }) => kind.startsWith('endpoint.')).map(({ kind }) => kind),
    ['endpoint.registered', 'endpoint.registered', 'endpoint.deregistered'],
  )
})

test('a service may begin without any endpoint', async (t) => {
  const [guest] = await backends(t, 1)
  const gateway = await testGateway(t, { services: { shop: { endpoints: [] } } })
  assert.equal((await gateway.request('/')).status, 503)
  assert.equal((await gateway.gateway.directory.register(at(guest!.address))).ok, true)
  assert.equal((await gateway.request('/')).body, 'fine')
})

test('a lease that is not renewed ends; that of the last usable endpoint is kept until another one is there', async (t) => {
  const [one, other] = await backends(t, 2)
  const gateway = await testGateway(t, { services: { shop: { endpoints: [] } } })
  const { directory } = gateway.gateway
  await directory.register(at(one!.address, { leaseMs: 300 }))
  await directory.register(at(other!.address, { leaseMs: 300 }))
  await until('one lease to end', () => gateway.eventsOf('lease.expired').length === 1)
  await until('the other to be kept', () => gateway.eventsOf('lease.kept').length === 1)
  await until('one endpoint to be left', () => addresses(gateway).length === 1)
  const [kept] = gateway.service().endpoints
  assert.equal(kept!.leaseMs, 0)
  assert.equal((await gateway.request('/')).body, 'fine')
  const refused = await directory.deregister('shop', kept!.address, wish)
  assert.equal(!refused.ok && refused.code, 'last-usable')

  const [gone] = [one, other].filter((each) => each!.address !== kept!.address)
  await directory.register(at(gone!.address))
  await until('the overdue one to leave', () => addresses(gateway).join() === gone!.address)
  assert.equal(gateway.eventsOf('lease.kept').length, 1, 'it is said once')
  assert.match(gateway.gateway.metrics(), /budao_gateway_lease_expirations_total\{service="shop"\} 2/)
})

test('an ended lease can be renewed while it is kept, and the last endpoint deregistered by force', async (t) => {
  const [one] = await backends(t, 1)
  const gateway = await testGateway(t, { services: { shop: { endpoints: [] } } })
  const { directory } = gateway.gateway
  await directory.register(at(one!.address, { leaseMs: 200 }))
  await until('it to be kept', () => gateway.eventsOf('lease.kept').length === 1)
  assert.equal(directory.renew('shop', one!.address).ok, true)
  assert.ok(gateway.service().endpoints[0]!.leaseMs! > 0)
  assert.equal(
    (await directory.deregister('shop', one!.address, { force: true, reason: 'closing' })).ok,
    true,
  )
  assert.equal((await gateway.request('/')).status, 503)
  assert.equal(gateway.eventsOf('endpoint.deregistered')[0]!.evidence['reason'], 'closing')
})

test('what may not register is refused with the reason', async (t) => {
  const [own] = await backends(t, 1)
  const gateway = await testGateway(t, {
    endpoints: [own!.address],
    service: { registration: { endpointsMax: 1, leaseMax: '1m' } },
    services: { closed: { endpoints: [{ address: own!.address, site: 'east' }], registration: false } },
  })
  const { directory } = gateway.gateway
  assert.equal((await directory.register(at('127.0.0.1:1'))).ok, true)
  const table: [registration: EndpointRegistration, code: string][] = [
    [at('127.0.0.1:2', { service: 'shoe' }), 'unknown-service'],
    [at('127.0.0.1:2', { site: 'north' }), 'unknown-site'],
    [at('127.0.0.1:2', { service: 'closed' }), 'registration-off'],
    [at('127.0.0.1:2', { leaseMs: 60_001 }), 'lease-too-long'],
    [at(own!.address), 'endpoint-configured'],
    [at('127.0.0.1:2'), 'too-many-endpoints'],
  ]
  for (const [registration, code] of table) {
    const result = await directory.register(registration)
    assert.equal(!result.ok && result.code, code)
  }
  assert.equal(
    (await directory.register(at('127.0.0.1:1', { weight: 2 }))).ok,
    true,
    'the one it has may change',
  )
})

test('registrations, drains and good addresses outlive the process, a lease with what is left of it', async (t) => {
  const [own, guest] = await backends(t, 2)
  const server = await dnsServer(t, { 'shop.internal': { a: ['127.0.0.1'] } })
  const directoryFile = join(tempDir(t), 'data', 'endpoints.json')
  const config = {
    endpoints: [`shop.internal:${own!.port}`],
    dns: { servers: [server.address], timeout: '200ms' },
  }
  const before = await testGateway(t, config, undefined, { directoryFile })
  await before.gateway.directory.register(at(guest!.address, { leaseMs: 40_000 }))
  assert.equal((await before.gateway.directory.drain({ endpoint: own!.address }, wish)).ok, true)
  await before.gateway.close()

  server.behaviour = 'silent'
  const after = await testGateway(t, config, undefined, { directoryFile })
  const endpoints = after.service().endpoints
  assert.deepEqual(
    endpoints.map(({ address, origin, state }) => [address, origin, state]),
    [
      [own!.address, 'resolved', 'draining'],
      [guest!.address, 'registered', 'usable'],
    ],
  )
  const { leaseMs } = endpoints[1]!
  assert.ok(leaseMs! > 20_000 && leaseMs! <= 40_000)
  assert.equal((await after.request('/')).body, 'fine')
  assert.equal(own!.heads.length, 0)
})

test('a file of endpoints that cannot be used is put aside, and the gateway starts', async (t) => {
  const [own] = await backends(t, 1)
  const directoryFile = join(tempDir(t), 'endpoints.json')
  for (const text of ['{"version":1,"registrations":[{"registration":{}}]}', '{', '[]', '{"version":2}']) {
    writeFileSync(directoryFile, text)
    const gateway = await testGateway(t, { endpoints: [own!.address] }, undefined, { directoryFile })
    assert.equal((await gateway.request('/')).body, 'fine')
    assert.match(gateway.warnings.join(), /cannot be used/)
    assert.ok(existsSync(`${directoryFile}.bad`))
    await gateway.gateway.close()
  }
})

test('two hundred changes of the endpoints under load lose no request', async (t) => {
  const [own, ...guests] = await backends(t, 5)
  // A filter is made once a worker, not once a snapshot.
  const counted = "export default (_, env) => (env.warn('made'), { close: () => env.warn('closed') })"
  const config = {
    workers: 2,
    endpoints: [own!.address],
    service: { slowStart: { window: '100ms' } },
    route: { filters: [{ module: { path: 'counted.mjs' } }] },
  }
  const gateway = await testGateway(t, config, testFiles(t, { 'counted.mjs': counted }))
  const { directory } = gateway.gateway
  const load = { on: true }
  let requests = 0
  const clients = Array.from({ length: 6 }, async (_, n) => {
    const client = await gateway.connect()
    while (load.on) {
      const post = n % 2 === 0
      client.send(requestText(post ? 'POST /' : '/', [], post ? 'body' : ''))
      assert.equal((await client.readResponse()).status, 200)
      requests++
    }
    client.socket.destroy()
  })
  for (let change = 0; change < 200; change++) {
    const { address } = guests[change % guests.length]!
    const there = addresses(gateway).includes(address)
    const result = there
      ? await directory.deregister('shop', address, wish)
      : await directory.register(at(address))
    assert.equal(result.ok, true)
  }
  load.on = false
  await Promise.all(clients)
  assert.equal(gateway.gateway.snapshot!.version, 201)
  assert.ok(requests > 200)
  t.diagnostic(`${requests} requests on 6 connections, 200 changes, none lost`)
  assert.ok(guests.every(({ heads }) => heads.length > 0))
  assert.deepEqual(gateway.warnings, ['made', 'made'])
  await gateway.quiet()
})

test('changes of one moment are one snapshot', async (t) => {
  const [own] = await backends(t, 1)
  const snapshots: number[] = []
  const gateway = await testGateway(t, { endpoints: [own!.address] }, undefined, {
    onSnapshot: ({ version }) => snapshots.push(version),
  })
  const all = Array.from({ length: 30 }, (_, n) =>
    gateway.gateway.directory.register(at(`127.0.0.1:${n + 1}`)),
  )
  assert.ok((await Promise.all(all)).every(({ ok }) => ok))
  assert.equal(addresses(gateway).length, 31)
  assert.deepEqual(snapshots, [2])
  // A reload that was read before takes the next number all the same.
  assert.equal((await gateway.apply({ endpoints: [own!.address] })).ok, true)
  assert.equal(gateway.gateway.snapshot!.version, 3)
  assert.equal(addresses(gateway).length, 31)
})

test('health checks go on at their pace while endpoints come and go faster', async (t) => {
  const [own, guest] = await backends(t, 2)
  const gateway = await testGateway(t, {
    endpoints: [own!.address],
    service: { healthCheck: { type: 'http', interval: '200ms' } },
  })
  const { directory } = gateway.gateway
  await until('the first check', () => own!.heads.length > 0)
  const checks = own!.heads.length
  let changes = 0
  while (own!.heads.length < checks + 3) {
    assert.ok(changes++ < 500, 'checks are put off by changes')
    await directory.register(at(guest!.address, { weight: 1 + (changes % 2) }))
  }
})
