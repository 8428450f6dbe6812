import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnsServer, rawServer, type DnsServer, type RawHandler } from '@budao/testkit'
import { requestText, testGateway, until, type TestConfig, type TestGateway } from '../test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

/** The shop at `shop.internal:port`, asked for again as soon as answers run out, which they do at once. */
function atName(server: DnsServer, address: string, service: TestConfig['service'] = {}): TestConfig {
  return {
    endpoints: [address],
    service,
    dns: { servers: [server.address], ttlMin: '20ms', ttlMax: '50ms', timeout: '300ms' },
  }
}

const addresses = (gateway: TestGateway): string[] =>
  gateway
    .service()
    .endpoints.map(({ address }) => address)
    .toSorted()

/** Two backends at one port of two loopback addresses, as two machines behind one name would be. */
async function pair(t: Parameters<typeof rawServer>[0]) {
  const one = await rawServer(t, fine)
  const other = await rawServer(t, fine, one.port, '127.0.0.2')
  return { one, other, port: one.port }
}

test('every address of a name is an endpoint, and follows the name', async (t) => {
  const { one, other, port } = await pair(t)
  const server = await dnsServer(t, { 'shop.internal': { a: ['127.0.0.1'], ttl: 0 } })
  const gateway = await testGateway(t, atName(server, `shop.internal:${port}`, { balance: 'round-robin' }))
  assert.equal((await gateway.request('/')).body, 'fine')
  const [first] = gateway.service().endpoints
  assert.deepEqual(
    [first!.address, first!.origin, first!.resolvedFrom, first!.site],
    [one.address, 'resolved', `shop.internal:${port}`, 'east'],
  )
  const version = gateway.gateway.snapshot!.version

  server.set('shop.internal', { a: ['127.0.0.2', '127.0.0.1'], ttl: 0 })
  await until('the second address', () => addresses(gateway).length === 2)
  assert.ok(gateway.gateway.snapshot!.version > version)
  assert.equal(gateway.service().endpoints.find(({ address }) => address === one.address)!.requestsTotal, 1)
  for (let n = 0; n < 6; n++) await gateway.request('/')
  assert.ok(one.heads.length > 1 && other.heads.length > 1)

  server.set('shop.internal', { a: ['127.0.0.2'], ttl: 0 })
  await until('the first address to leave', () => addresses(gateway).join() === other.address)
  await until('its connections to close', () => one.open === 0)
  assert.equal((await gateway.request('/')).body, 'fine')
  const [changed] = gateway.eventsOf('endpoints.changed').slice(-1)
  assert.deepEqual([changed!.evidence['came'], changed!.evidence['left']], ['', one.address])
})

test('whatever keeps a name from being resolved, its last good addresses stay', async (t) => {
  const { one, port } = await pair(t)
  const server = await dnsServer(t, { 'shop.internal': { a: ['127.0.0.1'], ttl: 0 } })
  const gateway = await testGateway(t, atName(server, `shop.internal:${port}`))
  for (const behaviour of ['silent', 'servfail', 'refused', 'nxdomain', 'empty', 'cut-off'] as const) {
    const failed = gateway.eventsOf('dns.failed').length
    server.behaviour = behaviour
    await until(`a failure while ${behaviour}`, () => gateway.eventsOf('dns.failed').length > failed)
    assert.deepEqual(addresses(gateway), [one.address])
    assert.equal((await gateway.request('/')).body, 'fine')
    const [name] = gateway.gateway.report().names
    assert.deepEqual([name!.state, name!.addresses], ['stale', 1])
    assert.notEqual(name!.problem, '')
    const recovered = gateway.eventsOf('dns.recovered').length
    server.behaviour = 'normal'
    await until('the name to be resolved again', () => gateway.eventsOf('dns.recovered').length > recovered)
    assert.equal(gateway.gateway.report().names[0]!.state, 'fresh')
  }
  assert.match(
    gateway.gateway.metrics(),
    /budao_gateway_dns_resolutions_total\{name="shop.internal",result="failed"\} [1-9]/,
  )
})

test('a gateway starts without its name server, says 503 meanwhile, and serves once there is an answer', async (t) => {
  const { port } = await pair(t)
  const server = await dnsServer(t, { 'shop.internal': { a: ['127.0.0.1'] } })
  server.behaviour = 'silent'
  const gateway = await testGateway(t, atName(server, `shop.internal:${port}`))
  assert.equal((await gateway.request('/')).status, 503)
  assert.equal(gateway.service().state, 'down')
  const [failed] = gateway.eventsOf('dns.failed')
  assert.equal(failed!.severity, 'critical')
  server.behaviour = 'normal'
  await until('an endpoint', () => addresses(gateway).length === 1)
  assert.equal((await gateway.request('/')).body, 'fine')
})

test('what leaves finishes what it has under way', async (t) => {
  const slow = await rawServer(t, () => {})
  const other = await rawServer(t, fine, slow.port, '127.0.0.2')
  const server = await dnsServer(t, { 'shop.internal': { a: ['127.0.0.1'], ttl: 0 } })
  const gateway = await testGateway(
    t,
    atName(server, `shop.internal:${slow.port}`, { timeouts: { request: '1m' } }),
  )
  const client = await gateway.connect()
  client.send(requestText('/'))
  await until('a request under way', () => slow.heads.length === 1)
  server.set('shop.internal', { a: ['127.0.0.2'], ttl: 0 })
  await until('the new address', () => addresses(gateway).join() === other.address)
  assert.equal((await gateway.request('/')).body, 'fine')
  slow.connections[0]!.respond(200, 'late')
  assert.equal((await client.readResponse()).body, 'late')
  await until('the old connection to close', () => slow.open === 0)
})

test('a service record gives ports and ranks: the standby serves when the others cannot', async (t) => {
  const [first, standby] = [await rawServer(t, fine), await rawServer(t, fine)]
  const server = await dnsServer(t, {
    '_shop._tcp.internal': {
      srv: [
        { target: 'a.internal', port: first.port, priority: 1, weight: 5 },
        { target: 'a.internal', port: standby.port, priority: 2, weight: 5 },
      ],
    },
    'a.internal': { a: ['127.0.0.1'] },
  })
  const gateway = await testGateway(t, atName(server, 'srv:_shop._tcp.internal'))
  for (let n = 0; n < 5; n++) assert.equal((await gateway.request('/')).body, 'fine')
  assert.deepEqual([first.heads.length, standby.heads.length], [5, 0])
  await first.kill()
  for (let n = 0; n < 5; n++) assert.equal((await gateway.request('/')).body, 'fine')
  assert.equal(standby.heads.length, 5)
})

test('a health check names the host as the configuration does', async (t) => {
  const { one, port } = await pair(t)
  const server = await dnsServer(t, { 'shop.internal': { a: ['127.0.0.1'] } })
  await testGateway(
    t,
    atName(server, `shop.internal:${port}`, { healthCheck: { type: 'http', interval: '50ms' } }),
  )
  await until('a check', () => one.heads.length > 0)
  assert.match(one.heads[0]!, new RegExp(`^host: shop\\.internal:${port}\r$`, 'im'))
})
