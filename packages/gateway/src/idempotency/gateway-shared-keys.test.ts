import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { freePort, startRedis, type TestProcess } from '@budao/testkit'
import { testGateway, until, type TestGateway } from '../test-gateway.test.ts'
import { counted, errorOf, keyedConfig, openShop, openSlowShop, order, type Shop } from './test-shop.test.ts'

interface World<S extends Shop> {
  readonly shop: S
  readonly server: TestProcess
  readonly port: number
  /** The first one has two workers. */
  readonly gateways: readonly [TestGateway, TestGateway]
}

/** Two gateways in front of one shop, that keep their keys in one store. */
async function world<S extends Shop>(
  t: TestContext,
  shop: S,
  idempotency: Readonly<Record<string, unknown>> = {},
): Promise<World<S> | undefined> {
  const port = await freePort()
  const server = await startRedis(t, port)
  if (server === undefined) return undefined
  const gateway = (workers: number): Promise<TestGateway> =>
    testGateway(
      t,
      keyedConfig(
        shop.backend.address,
        { store: 'keys', ...idempotency },
        {
          workers,
          stores: {
            keys: { redis: { url: `redis://127.0.0.1:${port}`, timeout: '1s', probeInterval: '50ms' } },
          },
        },
      ),
    )
  const gateways = [await gateway(2), await gateway(1)] as const
  await until('both find the store', () => gateways.every(up))
  return { shop, server, port, gateways }
}

function up({ gateway }: TestGateway): boolean {
  return gateway.metrics().includes('budao_gateway_store_up{store="keys"} 1')
}

test('a repeat at another gateway is answered from the first result', async (t) => {
  const made = await world(t, await openShop(t))
  if (made === undefined) return
  const [one, two] = made.gateways
  assert.equal((await order(one)).body, 'order 1')
  for (let i = 0; i < 6; i++) {
    const again = await order(i % 2 === 0 ? two : one)
    assert.equal(again.body, 'order 1')
    assert.equal(again.header('location'), '/orders/1')
    assert.equal(again.header('idempotency-replayed'), 'true')
  }
  assert.equal(errorOf(await order(two, 'two')), 'idempotency_key_reused')
  assert.equal(made.shop.orders.length, 1)
})

test('one that is under way at one gateway has others come again at the other', async (t) => {
  const made = await world(t, await openSlowShop(t))
  if (made === undefined) return
  const [one, two] = made.gateways
  const first = order(one)
  await until('it is under way', () => made.shop.orders.length === 1)
  assert.equal(errorOf(await order(two)), 'idempotency_in_progress')
  made.shop.finish()
  assert.equal((await first).body, 'order 1')
  assert.equal((await order(two)).body, 'order 1')
})

test('many writes, each at both gateways at once: each is done once', async (t) => {
  const made = await world(t, await openShop(t), { wait: '10s' })
  if (made === undefined) return
  const answers = await Promise.all(
    Array.from({ length: 90 }, (_, i) =>
      order(made.gateways[i % 2]!, `${i % 30}`, [`Idempotency-Key: key-number-${10_000 + (i % 30)}`]),
    ),
  )
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]))
  assert.equal(made.shop.orders.length, 30)
})

test('while the store is away writes go on without it, and their results are kept if it is back by then', async (t) => {
  const made = await world(t, await openSlowShop(t))
  if (made === undefined) return
  const [one, two] = made.gateways
  await made.server.stop('SIGKILL')
  await until('it is found away', () => !up(one) && !up(two))
  const first = order(one)
  await until('it is under way', () => made.shop.orders.length === 1)
  assert.ok(await startRedis(t, made.port))
  await until('it is found back', () => up(one) && up(two))
  made.shop.finish()
  const answer = await first
  assert.equal(answer.body, 'order 1')
  assert.equal((await order(two)).body, 'order 1')
  assert.equal(counted(one, 'outcome="unkept"'), 1)
  assert.equal(counted(one, 'trace="kept"'), 1)
  assert.deepEqual(
    one.events.map(({ kind }) => kind).filter((kind) => kind.startsWith('store.')),
    ['store.away', 'store.back'],
  )
})

test('a store that dies while the write is done costs the client nothing but its repeat', async (t) => {
  const made = await world(t, await openSlowShop(t))
  if (made === undefined) return
  const [one] = made.gateways
  const first = order(one)
  await until('it is under way', () => made.shop.orders.length === 1)
  await made.server.stop('SIGKILL')
  made.shop.finish()
  assert.equal((await first).body, 'order 1')
  assert.equal(counted(one, 'trace="failed"'), 1)
})

test('where writes are refused without the store, they are told to come again', async (t) => {
  const made = await world(t, await openShop(t), { onStoreAway: 'refuse' })
  if (made === undefined) return
  const [one] = made.gateways
  await made.server.stop('SIGKILL')
  await until('it is found away', () => !up(one))
  const refused = await order(one)
  assert.equal(refused.status, 503)
  assert.equal(errorOf(refused), 'idempotency_unavailable')
  assert.match(refused.header('retry-after') ?? '', /^[12]$/)
  assert.equal((await order(one, 'one', [])).status, 201, 'without a key as before')
  assert.equal(made.shop.orders.length, 1)
  assert.equal(counted(one, 'outcome="unavailable"'), 1)
})

test('keys of the file have a limit, and what is above is treated as while a store is away', async (t) => {
  const shop = await openShop(t)
  for (const [onStoreAway, status] of [
    ['refuse', 503],
    ['forward', 201],
  ] as const) {
    const gateway = await testGateway(t, keyedConfig(shop.backend.address, { entries: 2, onStoreAway }))
    for (let i = 0; i < 2; i++)
      assert.equal((await order(gateway, '', [`Idempotency-Key: key-number-${10_000 + i}`])).status, 201)
    const key = ['Idempotency-Key: one-key-too-many']
    for (let i = 0; i < 2; i++) assert.equal((await order(gateway, 'one', key)).status, status)
    assert.equal((await order(gateway, '', ['Idempotency-Key: key-number-10000'])).status, 201)
    assert.equal(gateway.eventsOf('idempotency.full', 'shop').length, 1)
  }
  assert.equal(shop.orders.length, 2 + 2 + 2)
})
