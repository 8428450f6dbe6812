import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer } from '@budao/testkit'
import { testFiles, testGateway, until } from '../test-gateway.test.ts'
import { counted, errorOf, KEY, keyedConfig, openShop, openSlowShop, order } from './test-shop.test.ts'

for (const [status, kept, trace] of [
  [200, true, 'kept'],
  [303, true, 'kept'],
  [400, true, 'kept'],
  [404, true, 'kept'],
  [409, true, 'kept'],
  [401, false, 'released'],
  [408, false, 'released'],
  [425, false, 'released'],
  [429, false, 'released'],
  [503, false, 'released'],
  [500, false, 'uncertain'],
  [504, false, 'uncertain'],
] as const) {
  test(`${status} ${kept ? 'answers repeats' : `is no result: the key is ${trace}`}`, async (t) => {
    const { orders, backend } = await openShop(t, (number, { connection }) =>
      connection.respond(number === 1 ? status : 201, `answer ${number}`),
    )
    const gateway = await testGateway(t, keyedConfig(backend.address))
    const first = await order(gateway)
    assert.equal(`${first.status} ${first.body}`, `${status} answer 1`)
    const second = await order(gateway)
    assert.equal(`${second.status} ${second.body}`, kept ? `${status} answer 1` : '201 answer 2')
    assert.equal(orders.length, kept ? 1 : 2)
    assert.equal(counted(gateway, `trace="${trace}"`), 1)
    assert.equal(counted(gateway, 'outcome="again"'), trace === 'uncertain' ? 1 : 0)
  })
}

test('which statuses are results can be said', async (t) => {
  const { orders, backend } = await openShop(t, (number, { connection }) =>
    connection.respond(number === 1 ? 404 : 500, `answer ${number}`),
  )
  const gateway = await testGateway(t, keyedConfig(backend.address, { notKept: ['400-499'] }))
  assert.equal((await order(gateway)).status, 404)
  for (let i = 0; i < 2; i++) assert.equal((await order(gateway)).body, 'answer 2')
  assert.equal(orders.length, 2)
})

test('an endpoint dies behind the order: the repeat reaches it with the same key', async (t) => {
  const { orders, backend } = await openShop(t, (number, { connection }) => {
    if (number === 1) connection.reset()
    else connection.respond(200, 'you have ordered already')
  })
  const gateway = await testGateway(t, keyedConfig(backend.address))
  const lost = await order(gateway)
  assert.equal(lost.status, 502)
  assert.equal(errorOf(lost), 'upstream_reset')
  for (let i = 0; i < 2; i++) assert.equal((await order(gateway)).body, 'you have ordered already')
  assert.equal(orders.length, 2)
  for (const head of backend.heads) assert.match(head, /\r\nIdempotency-Key: 0123456789abcdef\r\n/)
  assert.equal(counted(gateway, 'outcome="again"'), 1)
})

test('the same where nothing may be done twice: the repeat is told to look first', async (t) => {
  const { orders, backend } = await openShop(t, (_, { connection }) => connection.reset())
  const gateway = await testGateway(t, keyedConfig(backend.address, { onUncertain: 'refuse' }))
  assert.equal((await order(gateway)).status, 502)
  for (let i = 0; i < 2; i++) {
    const again = await order(gateway)
    assert.equal(again.status, 409)
    assert.equal(errorOf(again), 'idempotency_uncertain')
  }
  assert.equal(orders.length, 1)
  assert.equal(errorOf(await order(gateway, 'two')), 'idempotency_key_reused')
})

test('refused by one service behind another that may have done it: it may have been done', async (t) => {
  const { orders, backend } = await openShop(t, (_, { connection }) => connection.reset())
  const busy = await openShop(t, (_, { connection }) => connection.respond(503, 'busy'))
  const gateway = await testGateway(
    t,
    keyedConfig(
      backend.address,
      {},
      {
        services: { other: { endpoints: [{ address: busy.backend.address, site: 'west' }] } },
        route: {
          filters: [{ idempotency: { onUncertain: 'refuse' } }],
          fallback: { service: 'other' },
        },
      },
    ),
  )
  assert.equal((await order(gateway)).status, 503)
  assert.equal(errorOf(await order(gateway)), 'idempotency_uncertain')
  assert.deepEqual([orders.length, busy.orders.length], [1, 1])
})

test('what provably was not sent leaves the key free, also where nothing may be done twice', async (t) => {
  const { orders, backend } = await openShop(t)
  const gone = await rawServer(t, () => {})
  await gone.kill()
  const config = (address: string) => keyedConfig(address, { onUncertain: 'refuse' })
  const gateway = await testGateway(t, config(gone.address))
  for (let i = 0; i < 2; i++) assert.equal(errorOf(await order(gateway)), 'connect_failed')
  assert.ok((await gateway.apply(config(backend.address))).ok)
  assert.equal((await order(gateway)).body, 'order 1')
  assert.equal(orders.length, 1)
  assert.equal(counted(gateway, 'trace="released"'), 2)
})

test('an answer that does not come in time leaves it uncertain', async (t) => {
  const { orders, backend } = await openShop(t, (number, { connection }) => {
    if (number > 1) connection.respond(201, `order ${number}`)
  })
  const gateway = await testGateway(
    t,
    keyedConfig(backend.address, {}, { service: { timeouts: { request: '200ms' } } }),
  )
  assert.equal((await order(gateway)).status, 504)
  assert.equal(counted(gateway, 'trace="uncertain"'), 1)
  assert.equal((await order(gateway)).body, 'order 2')
  assert.equal(orders.length, 2)
})

test('a client in a hurry is not waited for: what it asked for is done all the same', async (t) => {
  const { orders, backend, finish } = await openSlowShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address))
  const client = await gateway.connect()
  client.send(
    `POST /orders HTTP/1.1\r\nHost: shop.example\r\n${KEY}\r\nX-Budao-Timeout: 50\r\nContent-Length: 3\r\n\r\none`,
  )
  await until('it is under way', () => orders.length === 1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  client.reset()
  finish()
  await until('its result is kept', async () => (await order(gateway)).body === 'order 1')
  assert.equal(orders.length, 1)
  assert.equal(counted(gateway, 'trace="alone"'), 1)
})

for (const endpointsHonourKeys of [false, true]) {
  test(`a keyed POST is ${endpointsHonourKeys ? '' : 'not '}retried where endpoints ${endpointsHonourKeys ? '' : 'do not '}honour keys`, async (t) => {
    const { orders, backend } = await openShop(t, (number, { connection }) => {
      if (number % 2 === 1) connection.reset()
      else connection.respond(201, `order ${number}`)
    })
    const retry = { attempts: 1, on: ['reset'], budgetPercent: 100, budgetMin: 100, backoff: { base: '0ms' } }
    const gateway = await testGateway(
      t,
      keyedConfig(backend.address, { endpointsHonourKeys }, { service: { retry } }),
    )
    assert.equal((await order(gateway)).status, endpointsHonourKeys ? 201 : 502)
    assert.equal(orders.length, endpointsHonourKeys ? 2 : 1)
    if (!endpointsHonourKeys) return
    assert.equal((await order(gateway, 'one', [])).status, 502, 'without a key as before')
    assert.equal(orders.length, 3)
  })
}

test('a thread that crashes leaves its orders uncertain, not lost and not stuck', async (t) => {
  const { orders, backend } = await openShop(t, (number, { connection }) => {
    if (number > 1) connection.respond(201, `order ${number}`)
  })
  const baseDir = testFiles(t, {
    'crash.mjs': 'export default { onRequest(request) { if (request.path === "/crash") process.exit(7) } }',
  })
  const filters = [{ module: { path: 'crash.mjs' } }, { idempotency: {} }]
  const gateway = await testGateway(t, keyedConfig(backend.address, {}, { route: { filters } }), baseDir)
  const client = await gateway.connect()
  client.send(`POST /orders HTTP/1.1\r\nHost: shop.example\r\n${KEY}\r\nContent-Length: 3\r\n\r\none`)
  await until('it is under way', () => orders.length === 1)
  const crasher = await gateway.connect()
  crasher.send('GET /crash HTTP/1.1\r\nHost: shop.example\r\n\r\n')
  await until('the thread is replaced', () => gateway.eventsOf('worker.started').length === 1)
  assert.equal((await order(gateway)).body, 'order 2')
  assert.equal((await order(gateway)).body, 'order 2')
  assert.equal(orders.length, 2)
})
