import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rawServer, tempDir, type RawExchange } from '@budao/testkit'
import { testGateway, until, type TestConfig, type TestGateway } from './test-gateway.test.ts'

const KEY = 'Idempotency-Key: 0123456789abcdef'

type Edits = Readonly<Record<string, unknown>>

/** A shop that forgets nothing and recognises nothing: every request that arrives is one more order. */
async function shop(t: TestContext, answer?: (order: number, exchange: RawExchange) => void | Promise<void>) {
  const orders: string[] = []
  const backend = await rawServer(t, async (exchange) => {
    const body = await exchange.body()
    const order = orders.push(`${exchange.method} ${exchange.target} ${body}`)
    if (answer === undefined)
      exchange.connection.respond(201, `order ${order}`, { Location: `/orders/${order}` })
    else await answer(order, exchange)
  })
  return { orders, backend }
}

function config(address: string, idempotency: Edits = {}, more: TestConfig = {}): TestConfig {
  return {
    endpoints: [address],
    ...more,
    service: { outlier: false, breaker: false, ...more.service },
    route: { filters: [{ idempotency }], ...more.route },
  }
}

function order(
  gateway: TestGateway,
  body = 'one',
  lines: readonly string[] = [KEY],
  target = 'POST /orders',
) {
  return gateway.request(target, lines, body)
}

function errorOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as { error: string }).error
}

test('a repeat is answered from the first result, whichever worker it meets', async (t) => {
  const { orders, backend } = await shop(t)
  const gateway = await testGateway(t, config(backend.address, {}, { workers: 2 }))
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
  const { orders, backend } = await shop(t)
  const gateway = await testGateway(t, config(backend.address))
  await order(gateway)
  assert.match(backend.heads[0]!, /\r\nIdempotency-Key: 0123456789abcdef\r\n/)
  for (const target of ['GET /orders', 'HEAD /orders'])
    for (let i = 0; i < 2; i++) await gateway.request(target, [KEY])
  for (let i = 0; i < 2; i++) await order(gateway, 'one', [])
  assert.equal(orders.length, 1 + 4 + 2)
})

test('another request with the same key is refused, whatever is other', async (t) => {
  const { orders, backend } = await shop(t)
  const gateway = await testGateway(t, config(backend.address))
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
  const { orders, backend } = await shop(t)
  const keyFile = join(tempDir(t), 'data', 'idempotency.db')
  const first = await testGateway(t, config(backend.address), undefined, { keyFile })
  assert.equal((await order(first)).body, 'order 1')
  await first.gateway.close()
  const second = await testGateway(t, config(backend.address), undefined, { keyFile })
  assert.equal((await order(second)).body, 'order 1')
  assert.equal(orders.length, 1)
})

test('one that is under way has others come again, and once it is done they have its result', async (t) => {
  let finish = (): void => {}
  const { orders, backend } = await shop(t, async (number, { connection }) => {
    await new Promise<void>((resolve) => (finish = resolve))
    connection.respond(201, `order ${number}`)
  })
  const gateway = await testGateway(t, config(backend.address, {}, { workers: 2 }))
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
  let finish = (): void => {}
  const { orders, backend } = await shop(t, async (number, { connection }) => {
    await new Promise<void>((resolve) => (finish = resolve))
    connection.respond(201, `order ${number}`)
  })
  const gateway = await testGateway(t, config(backend.address, { wait: '10s' }, { workers: 2 }))
  const all = Array.from({ length: 6 }, () => order(gateway))
  await until('it is under way', () => orders.length === 1)
  finish()
  const answers = await Promise.all(all)
  assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body}`)), new Set(['201 order 1']))
  assert.equal(answers.filter((answer) => answer.header('idempotency-replayed') === 'true').length, 5)
  assert.equal(orders.length, 1)
})

test('a client that goes away comes back for what became of its order', async (t) => {
  let finish = (): void => {}
  const { orders, backend } = await shop(t, async (number, { connection }) => {
    await new Promise<void>((resolve) => (finish = resolve))
    connection.respond(201, `order ${number}`)
  })
  const gateway = await testGateway(t, config(backend.address))
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
