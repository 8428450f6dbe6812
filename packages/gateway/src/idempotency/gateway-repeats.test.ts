import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { requestText, testGateway, until } from '../test-gateway.test.ts'
import { counted, errorOf, KEY, keyedConfig, openShop, openSlowShop, order } from './test-shop.test.ts'

test('a repeat is answered from the first result, whichever worker it meets', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address, {}, { workers: 2 }))
  const first = await order(gateway)
  assert.equal(first.status, 201)
  assert.equal(first.body, 'order 1')
  assert.equal(first.header('location'), '/orders/1')
  assert.equal(first.header('idempotency-replayed'), undefined)
  for (let i = 0; i < 10; i++) {
    const again = await order(gateway)
    assert.equal(again.status, 201)
    assert.equal(again.body, 'order 1')
    assert.equal(again.header('location'), '/orders/1')
    assert.equal(again.header('idempotency-replayed'), 'true')
  }
  assert.deepEqual(orders, ['POST /orders one'])
  assert.equal((await order(gateway, 'one', ['Idempotency-Key: "0123456789abcdef"'])).body, 'order 1')
})

test('the key goes on to the service; without one, and for what is only read, nothing is kept', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address))
  await order(gateway)
  assert.match(backend.heads[0]!, /\r\nIdempotency-Key: 0123456789abcdef\r\n/)
  for (const target of ['GET /orders', 'HEAD /orders'])
    for (let i = 0; i < 2; i++) await gateway.request(target, [KEY])
  for (let i = 0; i < 2; i++) await order(gateway, 'one', [])
  assert.equal(orders.length, 1 + 4 + 2)
})

test('another request with the same key is refused, whatever is other', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address))
  await order(gateway)
  for (const [body, target] of [
    ['two', 'POST /orders'],
    ['one', 'POST /orders?x=1'],
    ['one', 'POST /order'],
    ['one', 'PUT /orders'],
  ] as const) {
    const other = await order(gateway, body, [KEY], target)
    assert.equal(other.status, 422, target)
    assert.equal(errorOf(other), 'idempotency_key_reused')
  }
  assert.equal(orders.length, 1)
})

test('results outlive the gateway', async (t) => {
  const { orders, backend } = await openShop(t)
  const keyFile = join(tempDir(t), 'data', 'idempotency.db')
  const first = await testGateway(t, keyedConfig(backend.address), undefined, { keyFile })
  assert.equal((await order(first)).body, 'order 1')
  await first.gateway.close()
  const second = await testGateway(t, keyedConfig(backend.address), undefined, { keyFile })
  assert.equal((await order(second)).body, 'order 1')
  assert.equal(orders.length, 1)
})

test('one that is under way has others come again, and once it is done they have its result', async (t) => {
  const { orders, backend, finish } = await openSlowShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address, {}, { workers: 2 }))
  const first = order(gateway)
  await until('it is under way', () => orders.length === 1)
  for (let i = 0; i < 5; i++) {
    const second = await order(gateway)
    assert.equal(second.status, 409)
    assert.equal(errorOf(second), 'idempotency_in_progress')
    assert.equal(second.header('retry-after'), '1')
  }
  finish()
  assert.equal((await first).body, 'order 1')
  assert.equal((await order(gateway)).body, 'order 1')
  assert.equal(orders.length, 1)
})

test('with `wait` others wait for it', async (t) => {
  const { orders, backend, finish } = await openSlowShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address, { wait: '10s' }, { workers: 2 }))
  const all = Array.from({ length: 6 }, () => order(gateway))
  await until('it is under way', () => orders.length === 1)
  finish()
  const answers = await Promise.all(all)
  assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body}`)), new Set(['201 order 1']))
  assert.equal(answers.filter((answer) => answer.header('idempotency-replayed') === 'true').length, 5)
  assert.equal(orders.length, 1)
})

test('a client that goes away comes back for what became of its order', async (t) => {
  const { orders, backend, finish } = await openSlowShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address))
  const client = await gateway.connect()
  client.send(`POST /orders HTTP/1.1\r\nHost: shop.example\r\n${KEY}\r\nContent-Length: 3\r\n\r\none`)
  await until('it is under way', () => orders.length === 1)
  client.reset()
  await until('it is gone', () => gateway.connections.downstream === 0)
  assert.equal(errorOf(await order(gateway)), 'idempotency_in_progress')
  finish()
  await until('its result is kept', async () => (await order(gateway)).status === 201)
  assert.equal((await order(gateway)).body, 'order 1')
  assert.equal(orders.length, 1)
  await gateway.quiet()
})

test('a key is asked for where it is required, and must be a good one', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address, { required: true }))
  const none = await order(gateway, 'one', [])
  assert.equal(none.status, 400)
  assert.equal(errorOf(none), 'idempotency_key_missing')
  assert.equal((await gateway.request('/orders')).status, 201)
  for (const lines of [
    ['Idempotency-Key: short'],
    ['Idempotency-Key: '],
    [`Idempotency-Key: ${'x'.repeat(256)}`],
    ['Idempotency-Key: 0123456789 abcdef'],
    ['Idempotency-Key: 0123456789abcd\u00e9f'],
    [KEY, KEY],
  ]) {
    const bad = await order(gateway, 'one', lines)
    assert.equal(bad.status, 400, lines[0]!)
    assert.equal(errorOf(bad), 'idempotency_key_invalid')
  }
  assert.equal(orders.length, 1)
  assert.equal(counted(gateway, 'outcome="missing"'), 1)
  assert.equal(counted(gateway, 'outcome="invalid"'), 6)
})

test('users never meet, whatever keys they choose', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address))
  const as = (user: string) => order(gateway, 'one', [KEY, `Authorization: Bearer ${user}`])
  assert.equal((await as('ann')).body, 'order 1')
  assert.equal((await as('bob')).body, 'order 2')
  assert.equal((await order(gateway)).body, 'order 3')
  assert.equal((await as('ann')).body, 'order 1')
  assert.equal(orders.length, 3)
})

test('whose key it is can be said by a header, and routes can share their keys', async (t) => {
  const { orders, backend } = await openShop(t)
  const filters = [{ idempotency: { by: ['header:X-Tenant', 'header:X-User'], name: 'orders' } }]
  const route = { backends: [{ service: 'shop' }], filters }
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    routes: [
      { ...route, name: 'a', match: [{ headers: { 'X-Route': 'a' } }] },
      { ...route, name: 'b' },
    ],
  })
  const as = (user: string, ...more: string[]) =>
    order(gateway, 'one', [KEY, 'X-Tenant: t', `X-User: ${user}`, `Authorization: ${Math.random()}`, ...more])
  assert.equal((await as('ann')).body, 'order 1')
  assert.equal((await as('ann', 'X-Route: a')).body, 'order 1')
  assert.equal((await as('bob')).body, 'order 2')
  assert.equal(orders.length, 2)
})

test('a body is compared whatever its framing, and has a limit', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address, { bodyBytes: '1KiB' }))
  const chunked = (...parts: string[]): string =>
    `POST /orders HTTP/1.1\r\nHost: shop.example\r\n${KEY}\r\nTransfer-Encoding: chunked\r\n\r\n` +
    [...parts, ''].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
  const send = async (text: string) => {
    const client = await gateway.connect()
    client.send(text)
    return client.readResponse('POST')
  }
  assert.equal((await send(chunked('o', 'ne'))).body, 'order 1')
  assert.equal((await send(chunked('one'))).body, 'order 1')
  assert.equal((await order(gateway)).body, 'order 1')
  assert.equal((await order(gateway, 'x'.repeat(1_025), ['Idempotency-Key: 1123456789abcdef'])).status, 413)
  const long = chunked('x'.repeat(1_000), 'x'.repeat(1_000)).replace('0123456789abcdef', '2123456789abcdef')
  const refused = await send(long)
  assert.equal(refused.status, 413)
  assert.equal(errorOf(refused), 'body_too_large')
  assert.equal(orders.length, 1)
})

test('a client that waits for 100 Continue is told to send its body', async (t) => {
  const { backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address))
  const client = await gateway.connect()
  client.send(
    `POST /orders HTTP/1.1\r\nHost: shop.example\r\n${KEY}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`,
  )
  await until('it is told', () => client.pending.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
  client.send('one')
  await until('it is answered', () => client.pending.endsWith('order 1'))
})

test('many writes at once, each repeated at once: each is done once', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address, { wait: '10s' }, { workers: 2 }))
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, i) =>
      order(gateway, `${i % 40}`, [`Idempotency-Key: key-number-${1_000_000_000 + (i % 40)}`]),
    ),
  )
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]))
  assert.equal(orders.length, 40)
  for (const [i, { body }] of answers.entries()) assert.equal(body, answers[i % 40]!.body)
  assert.equal(counted(gateway, 'outcome="first"'), 40)
  assert.equal(counted(gateway, 'outcome="replayed"'), 80)
  assert.equal(counted(gateway, 'trace="kept"'), 40)
})

test('a kept answer of a cache is no longer true behind a keyed write', async (t) => {
  let version = 0
  const { backend } = await openShop(t, (number, { connection, method }) => {
    if (method !== 'GET') version = number
    connection.respond(200, `version ${version}`, { 'Cache-Control': 'max-age=60' })
  })
  const gateway = await testGateway(
    t,
    keyedConfig(backend.address, {}, { route: { filters: [{ idempotency: {} }], cache: {} } }),
  )
  await until('it is kept', async () => (await gateway.request('/orders')).header('age') !== undefined)
  assert.match((await order(gateway)).header('cache-status') ?? '', /fwd=method/)
  assert.equal((await gateway.request('/orders')).body, `version ${version}`)
  assert.notEqual(version, 0)
})

test('requests of one connection are answered in their order, repeats among them', async (t) => {
  const { orders, backend } = await openShop(t)
  const gateway = await testGateway(t, keyedConfig(backend.address))
  const client = await gateway.connect()
  const post = (key: string): string =>
    requestText('POST /orders', [`Idempotency-Key: pipelined-key-${key}`], key)
  client.send(post('one') + post('two') + requestText('/orders') + post('one') + post('two'))
  const bodies: string[] = []
  for (let i = 0; i < 5; i++) bodies.push((await client.readResponse()).body)
  assert.deepEqual(bodies, ['order 1', 'order 2', 'order 3', 'order 1', 'order 2'])
  assert.equal(orders.length, 3)
})
