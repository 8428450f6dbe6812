import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { freePort, rawServer, startRedis, type TestProcess } from '@budao/testkit'
import { type TestGateway, testGateway, until } from './test-gateway.test.ts'

interface World {
  readonly gateways: readonly TestGateway[]
  readonly redis: TestProcess
  readonly port: number
}

type Limit = Readonly<Record<string, unknown>>

/** Two gateways that count in one store; the first one has two workers. */
async function world(t: TestContext, limit: Limit, timeout = '1s'): Promise<World | undefined> {
  const port = await freePort()
  const redis = await startRedis(t, port)
  if (redis === undefined) return undefined
  const origin = await rawServer(t, ({ connection }) =>
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  )
  const gateways: TestGateway[] = []
  for (const workers of [2, 1]) {
    gateways.push(
      await testGateway(t, {
        workers,
        endpoints: [`127.0.0.1:${origin.port}`],
        stores: { counters: { redis: { url: `redis://127.0.0.1:${port}`, timeout, probeInterval: '50ms' } } },
        route: { filters: [{ rateLimit: { key: 'header:X-User', per: '1h', store: 'counters', ...limit } }] },
      }),
    )
  }
  await until('both find the store', () => gateways.every(up))
  return { gateways, redis, port }
}

/** Whether every worker has its connection: then its counts are those of the store. */
function up({ gateway }: TestGateway): boolean {
  return gateway.metrics().includes('budao_gateway_store_up{store="counters"} 1')
}

async function statuses(gateways: readonly TestGateway[], count: number, user: string): Promise<number[]> {
  const answers = Array.from({ length: count }, (_, i) =>
    gateways[i % gateways.length]!.request('/', [`X-User: ${user}`]),
  )
  return (await Promise.all(answers)).map(({ status }) => status)
}

const admitted = (all: readonly number[]): number => all.filter((status) => status === 200).length

/** Waits until no worker of any gateway counts by itself. */
async function settled(gateways: readonly TestGateway[]): Promise<void> {
  await until('the store is found by all', () => gateways.every(up))
}

test('two gateways with three workers admit exactly the limit together, and answer 429 beyond', async (t) => {
  const made = await world(t, { requests: 30 })
  if (made === undefined) return
  const all = await statuses(made.gateways, 120, 'a')
  assert.equal(admitted(all), 30)
  assert.equal(all.filter((status) => status === 429).length, 90)
  assert.equal(admitted(await statuses(made.gateways, 40, 'b')), 30)
})

test('limits of one name are one, whichever route they stand in', async (t) => {
  const made = await world(t, { requests: 10, name: 'login' })
  if (made === undefined) return
  const [first] = made.gateways
  const applied = await first!.apply({
    workers: 2,
    endpoints: ['127.0.0.1:1'],
    stores: { counters: { redis: { url: `redis://127.0.0.1:${made.port}` } } },
    route: {
      name: 'other',
      filters: [
        { rateLimit: { key: 'header:X-User', per: '1h', requests: 10, name: 'login', store: 'counters' } },
      ],
    },
  })
  assert.ok(applied.ok)
  await settled(made.gateways)
  await statuses(made.gateways.slice(1), 10, 'a')
  assert.deepEqual(await statuses(made.gateways.slice(0, 1), 3, 'a'), [429, 429, 429])
})

for (const how of ['SIGKILL', 'SIGSTOP'] as const) {
  test(`${how} under load: each gateway limits by itself, nobody waits for long, and the sum is one again afterwards`, async (t) => {
    const made = await world(t, { requests: 20 }, '100ms')
    if (made === undefined) return
    const { gateways, redis, port } = made
    assert.equal(admitted(await statuses(gateways, 10, 'a')), 10)
    const underLoad = statuses(gateways, 60, 'load')
    redis.child.kill(how)
    const during = await underLoad
    // Nobody gets an error; each of two gateways admits at most its own limit beside what the store admitted.
    assert.ok(during.every((status) => status === 200 || status === 429))
    assert.ok(admitted(during) >= 20 && admitted(during) <= 60, String(admitted(during)))
    await until('both know', () => gateways.every((gateway) => !up(gateway)))
    // What was counted together before went along in each: 5 of 20 are used at either.
    assert.equal(admitted(await statuses(gateways, 80, 'a')), 30)
    if (how === 'SIGSTOP') redis.child.kill('SIGCONT')
    else assert.ok(await startRedis(t, port))
    await settled(gateways)
    assert.equal(admitted(await statuses(gateways, 60, 'fresh')), 20)
    for (const gateway of gateways) {
      assert.deepEqual(
        gateway.events.map(({ kind }) => kind).filter((kind) => kind.startsWith('store.')),
        ['store.away', 'store.back'],
      )
    }
  })
}

for (const [onStoreFailure, expected] of [
  ['allow', [200, 200, 200]],
  ['deny', [503, 503, 503]],
] as const) {
  test(`with ${onStoreFailure} and a store that was never there: ${expected.join(', ')}`, async (t) => {
    const origin = await rawServer(t, ({ connection }) =>
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    )
    const gateway = await testGateway(t, {
      endpoints: [`127.0.0.1:${origin.port}`],
      stores: { counters: { redis: { url: `redis://127.0.0.1:${await freePort()}` } } },
      route: { filters: [{ rateLimit: { requests: 1, per: '1h', store: 'counters', onStoreFailure } }] },
    })
    assert.deepEqual(await statuses([gateway], 3, 'a'), [...expected])
    await until('it is told', () => gateway.eventsOf('store.away', 'counters').length === 1)
    const metrics = gateway.gateway.metrics()
    assert.match(metrics, /budao_gateway_store_up\{store="counters"\} 0/)
    assert.match(metrics, /budao_gateway_store_calls_total\{store="counters",result="skipped"\} 3/)
  })
}

test('answers say what is left', async (t) => {
  const made = await world(t, { requests: 3, headers: true })
  if (made === undefined) return
  const [gateway] = made.gateways
  const told: string[] = []
  for (let i = 0; i < 4; i++) {
    const { header } = await gateway!.request('/', ['X-User: a'])
    assert.equal(header('ratelimit-policy'), '"default";q=3;w=3600')
    told.push(header('ratelimit') ?? '')
  }
  assert.deepEqual(
    told.map((text) => /r=(\d)/.exec(text)?.[1]),
    ['2', '1', '0', '0'],
  )
})
