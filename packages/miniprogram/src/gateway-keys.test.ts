// The client before two sites that keep idempotency keys together, with a link that breaks behind the order.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { faultProxy, freePort, rawServer, startRedis } from '@budao/testkit'
import { testGateway, until, type TestGateway } from '../../gateway/src/test-gateway.test.ts'
import { createClient, fetchTransport } from './index.ts'

/** A gateway at one of two sites, with keys in the store at that port. */
async function site(t: TestContext, shop: string, store: number): Promise<TestGateway> {
  const gateway = await testGateway(t, {
    endpoints: [shop],
    service: { outlier: false, breaker: false },
    stores: { keys: { redis: { url: `redis://127.0.0.1:${store}`, timeout: '2s' } } },
    route: { filters: [{ idempotency: { store: 'keys' } }] },
  })
  await until('the store is found', () =>
    gateway.gateway.metrics().includes('budao_gateway_store_up{store="keys"} 1'),
  )
  return gateway
}

test('the answer to an order is lost on its way: the other site knows it, and it is made once', async (t) => {
  const store = await freePort()
  if ((await startRedis(t, store)) === undefined) return
  let orders = 0
  let taken = (): void => {}
  const shop = await rawServer(t, async ({ connection, body }) => {
    await body()
    orders++
    taken()
    connection.respond(201, `{"order":${orders}}`, { 'Content-Type': 'application/json' })
  })
  const [east, west] = await Promise.all([site(t, shop.address, store), site(t, shop.address, store)])
  const link = await faultProxy(t, east!.port)
  // Whatever comes back is lost with the connection.
  taken = () => link.set({ kind: 'reset' })
  const api = createClient({
    channels: [`http://127.0.0.1:${link.port}`, `http://127.0.0.1:${west!.port}`],
    transport: fetchTransport(globalThis),
    keysHonoured: true,
  })
  const { data, channel, headers } = await api.post<{ order: number }>('/orders', { item: 1 })
  assert.deepEqual(data, { order: 1 })
  assert.equal(channel, `127.0.0.1:${west!.port}`)
  assert.equal(headers['idempotency-replayed'], 'true')
  assert.equal(orders, 1)
})
