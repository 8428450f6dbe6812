import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DirectoryResult } from '@budao/model'
import { rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testGateway, until, type TestConfig, type TestGateway } from '../test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

const wish = { force: false, reason: '' }
const codeOf = (result: DirectoryResult): string => (result.ok ? result.effect : result.code)
const stateOf = (gateway: TestGateway, address: string): string =>
  gateway.service().endpoints.find((endpoint) => endpoint.address === address)!.state

test('a drained endpoint gets nothing new, finishes what it has, and loses its connections; undone it is back', async (t) => {
  const [one, other] = [await rawServer(t, () => {}), await rawServer(t, fine)]
  const config: TestConfig = {
    workers: 2,
    endpoints: [one.address, other.address],
    service: { timeouts: { request: '1m' }, balance: 'round-robin', retry: { attempts: 0 } },
  }
  const gateway = await testGateway(t, config)
  const { directory } = gateway.gateway
  const clients = []
  while (one.heads.length === 0) {
    const client = await gateway.connect()
    client.send(requestText('/'))
    await until('it to arrive', () => one.heads.length + other.heads.length > clients.length)
    clients.push(client)
  }
  const waiting = clients.at(-1)!
  assert.equal(
    codeOf(await directory.drain({ endpoint: one.address }, { force: false, reason: 'new kernel' })),
    'created',
  )
  assert.equal(codeOf(await directory.drain({ endpoint: one.address }, wish)), 'unchanged')
  assert.equal(stateOf(gateway, one.address), 'draining')
  assert.equal(gateway.service().state, 'up', 'what a person took out is no trouble')
  for (let n = 0; n < 8; n++) assert.equal((await gateway.request('/')).body, 'fine')
  assert.equal(one.heads.length, 1)
  const [drain] = gateway.gateway.report().drains
  assert.deepEqual(
    [drain!.endpoint, drain!.site, drain!.reason, drain!.endpoints, drain!.inFlight],
    [one.address, null, 'new kernel', 1, 1],
  )
  assert.equal(gateway.eventsOf('drain.finished').length, 0)

  assert.equal((await gateway.apply({ ...config, route: { timeout: '50s' } })).ok, true)
  assert.equal(stateOf(gateway, one.address), 'draining', 'a reload leaves it drained')
  one.connections[0]!.respond(200, 'late')
  assert.equal((await waiting.readResponse()).body, 'late')
  await until('the end of the drain', () => gateway.eventsOf('drain.finished').length === 1)
  await until('its connections to close', () => one.open === 0)

  assert.equal(codeOf(await directory.undrain({ endpoint: one.address }, '')), 'removed')
  assert.equal(codeOf(await directory.undrain({ endpoint: one.address }, '')), 'unchanged')
  assert.equal(stateOf(gateway, one.address), 'usable')
  assert.deepEqual(gateway.gateway.report().drains, [])
})

test('a site is drained in every service, newcomers there included, and refused where it is the last', async (t) => {
  const [east, west, late] = [await rawServer(t, fine), await rawServer(t, fine), await rawServer(t, fine)]
  const gateway = await testGateway(t, {
    endpoints: [east.address, { address: west.address, site: 'west' }],
    service: { mode: 'active-active' },
    services: { cart: { endpoints: [{ address: west.address, site: 'west' }] } },
  })
  const { directory } = gateway.gateway
  const refused = await directory.drain({ site: 'west' }, wish)
  assert.ok(!refused.ok)
  assert.deepEqual(
    [refused.code, refused.message],
    ['last-usable', 'Site west cannot be spared: service cart would have no endpoint left'],
  )
  assert.equal(stateOf(gateway, west.address), 'usable', 'nothing has changed')
  assert.equal(codeOf(await directory.drain({ site: 'west' }, { force: true, reason: 'flood' })), 'created')
  assert.equal(gateway.gateway.report().sites.find(({ name }) => name === 'west')!.state, 'drained')
  assert.equal(gateway.service('cart').state, 'down')

  await directory.register({
    service: 'shop',
    address: late.address,
    site: 'west',
    weight: 1,
    release: 'stable',
    rank: 0,
    leaseMs: 60_000,
  })
  assert.equal(stateOf(gateway, late.address), 'draining')
  for (let n = 0; n < 6; n++) assert.equal((await gateway.request('/')).body, 'fine')
  assert.deepEqual([west.heads.length, late.heads.length], [0, 0])
  assert.equal(codeOf(await directory.undrain({ site: 'west' }, 'dry again')), 'removed')
  assert.equal(stateOf(gateway, late.address), 'usable')
  assert.equal(gateway.eventsOf('drain.ended')[0]!.evidence['undoneBecause'], 'dry again')
})

test('the last usable endpoint is refused, whatever made it the last', async (t) => {
  const [alive, dead] = [await rawServer(t, fine), await rawServer(t, fine)]
  await dead.kill()
  const gateway = await testGateway(t, {
    endpoints: [alive.address, dead.address],
    service: { healthCheck: { type: 'tcp', interval: '50ms' } },
  })
  const { directory } = gateway.gateway
  await until('the dead one to be noticed', () => stateOf(gateway, dead.address) === 'unhealthy')
  assert.equal(codeOf(await directory.drain({ endpoint: alive.address }, wish)), 'last-usable')
  assert.equal(codeOf(await directory.drain({ endpoint: dead.address }, wish)), 'created', 'nobody misses it')
  assert.equal(codeOf(await directory.drain({ endpoint: alive.address }, wish)), 'last-usable')
  assert.equal((await gateway.request('/')).body, 'fine')
})

test('what is not there cannot be drained', async (t) => {
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const { directory } = gateway.gateway
  assert.equal(codeOf(await directory.drain({ site: 'north' }, wish)), 'unknown-site')
  assert.equal(codeOf(await directory.drain({ endpoint: '127.0.0.1:1' }, wish)), 'unknown-endpoint')
  assert.equal(
    codeOf(await directory.drain({ endpoint: backend.address, service: 'shoe' }, wish)),
    'unknown-service',
  )
  assert.equal(codeOf(await directory.undrain({ site: 'north' }, '')), 'unknown-site')
  assert.equal(codeOf(await directory.undrain({ site: 'east' }, '')), 'unchanged')
})
