import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { freePort, rawServer, startRedis, type TestProcess } from '@budao/testkit'
import { testGateway, until, type TestGateway } from '../test-gateway.test.ts'

/** An origin that numbers its answers. */
async function origin(t: TestContext, headers: Record<string, string>) {
  const asked: string[] = []
  const backend = await rawServer(t, async ({ connection, target, body }) => {
    asked.push(target)
    await body()
    connection.respond(200, `${target} #${asked.length}`, headers)
  })
  return { asked, address: backend.address }
}

function gatewayOn(t: TestContext, port: number, address: string, cache: object = {}, workers = 1) {
  return testGateway(t, {
    workers,
    endpoints: [address],
    service: { outlier: false, breaker: false },
    stores: { shared: { redis: { url: `redis://127.0.0.1:${port}`, timeout: '1s', probeInterval: '50ms' } } },
    caches: { pages: { store: 'shared' } },
    route: { cache: { in: 'pages', ...cache } },
  })
}

async function isHere(gateway: TestGateway): Promise<void> {
  await until('the store is there', () =>
    /budao_gateway_store_up{store="shared"} 1\n/.test(gateway.gateway.metrics()),
  )
}

async function redis(t: TestContext): Promise<{ server: TestProcess; port: number } | undefined> {
  const port = await freePort()
  const server = await startRedis(t, port)
  return server === undefined ? undefined : { server, port }
}

test('two gateways share what is kept, and a purge at one is a purge at both', async (t) => {
  const shared = await redis(t)
  if (shared === undefined) return
  const from = await origin(t, { 'Cache-Control': 'max-age=60', Vary: 'X-Lang', 'Cache-Tag': 'offers' })
  const [one, two] = [
    await gatewayOn(t, shared.port, from.address),
    await gatewayOn(t, shared.port, from.address),
  ]
  await Promise.all([isHere(one), isHere(two)])
  const ask = async (gateway: TestGateway, lang = 'de', target = '/a?x=1'): Promise<string> =>
    (await gateway.request(target, [`X-Lang: ${lang}`])).body
  await until('it is kept', async () => (await ask(one)) === (await ask(one)))
  const kept = await ask(one)
  assert.equal(await ask(two), kept)
  await until('the other language, too', async () => (await ask(two, 'en')) === (await ask(one, 'en')))
  assert.notEqual(await ask(one, 'en'), kept)
  assert.equal(await ask(one), kept)

  assert.equal(await one.gateway.purgeCache({ tag: 'offer' }), 0)
  assert.ok((await one.gateway.purgeCache({ tag: 'offers' })) >= 2)
  assert.notEqual(await ask(two), kept)
  for (const purge of [{ url: 'http://shop.example/a?x=1' }, { prefix: 'http://shop.example/a' }, {}]) {
    await until('it is kept', async () => (await ask(one)) === (await ask(one)))
    const before = await ask(two)
    assert.equal(await one.gateway.purgeCache({ prefix: 'http://shop.example/b' }), 0)
    assert.ok((await one.gateway.purgeCache(purge)) > 0, JSON.stringify(purge))
    assert.notEqual(await ask(two), before)
  }
})

test('a server that is killed under load costs nobody an answer, and is used again when it is back', async (t) => {
  const shared = await redis(t)
  if (shared === undefined) return
  const from = await origin(t, { 'Cache-Control': 'max-age=60' })
  const gateway = await gatewayOn(t, shared.port, from.address, {}, 2)
  await isHere(gateway)
  const load = { on: true }
  let answered = 0
  const clients = Array.from({ length: 4 }, async (_, client) => {
    for (let i = 0; load.on; i++) {
      const answer = await gateway.request(`/${client}/${i % 5}`)
      assert.equal(answer.status, 200)
      answered++
    }
  })
  const more = async (): Promise<void> => {
    const before = answered
    await until('more answers', () => answered > before + 50)
  }
  await more()
  await shared.server.stop('SIGKILL')
  await until('it is found away', () => gateway.eventsOf('store.away').length > 0)
  await more()
  await assert.rejects(gateway.gateway.purgeCache({}), 'a purge that did not reach the store is none')
  await startRedis(t, shared.port)
  await until('it is found back', () => gateway.eventsOf('store.back').length > 0)
  await isHere(gateway)
  await more()
  load.on = false
  await Promise.all(clients)
  await until('it is kept again', async () => {
    const before = from.asked.length
    await gateway.request('/0/0')
    return from.asked.length === before
  })
})

test('what is kept expires with its use, and what is no record of ours is a miss', async (t) => {
  const shared = await redis(t)
  if (shared === undefined) return
  const from = await origin(t, { 'Cache-Control': 'max-age=1' })
  const gateway = await gatewayOn(t, shared.port, from.address)
  await isHere(gateway)
  await gateway.request('/')
  const { RedisConnection } = await import('./redis-connection.ts')
  const { LocalCells } = await import('@budao/resilience')
  const { storeCells } = await import('../stores/store-status.ts')
  const connection = await RedisConnection.open(
    {
      url: `redis://127.0.0.1:${shared.port}`,
      timeout: 1_000,
      connectTimeout: 1_000,
      failures: 3,
      probeInterval: 50,
      keyPrefix: '',
    },
    { name: 'x', cells: new LocalCells(storeCells(1)), worker: 0, baseDir: '/', report: () => {} },
  )
  t.after(() => connection.close())
  await until('the connection', () => connection.here)
  const key = 'budao:cache:pages:a:shop http://shop.example/'
  await until('it is kept', async () => Number(await connection.call('PTTL', key)) > 0)
  assert.ok(Number(await connection.call('PTTL', key)) <= 1_000)
  for (const nonsense of ['', '5', '99999\n{}', '2\n{}body', '-1\nx', '17\n{"kind":"unknown"}']) {
    await connection.call('SET', key, nonsense)
    assert.equal((await gateway.request('/')).status, 200, nonsense)
  }
})
