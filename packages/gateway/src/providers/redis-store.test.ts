import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { EventDraft, RedisStoreConfig } from '@budao/model'
import { LocalCells } from '@budao/resilience'
import { freePort, startRedis, type TestProcess } from '@budao/testkit'
import { readStoreCounts, storeCells } from '../stores/store-status.ts'
import { type SharedLimit, StoreAway, type StoreEnv } from '../stores/store.ts'
import { until } from '../test-gateway.test.ts'
import { RedisConnection } from './redis-connection.ts'
import { RedisStore } from './redis-store.ts'

const base: RedisStoreConfig = {
  url: '',
  // A busy machine may be slow: what is about time has one of its own.
  timeout: 5_000,
  connectTimeout: 1_000,
  failures: 3,
  probeInterval: 100,
  keyPrefix: 'test:',
}

const tenAnHour: SharedLimit = { name: 'shop.0', requests: 10, perMs: 3_600_000, burst: 10 }

class Opened {
  readonly events: EventDraft[] = []
  readonly cells = new LocalCells(storeCells(1))
  store!: RedisStore

  kinds(): string[] {
    return this.events.map(({ kind }) => kind)
  }
}

async function open(t: TestContext, port: number, more: Partial<RedisStoreConfig> = {}): Promise<Opened> {
  const opened = new Opened()
  const config = { ...base, url: `redis://127.0.0.1:${port}`, ...more }
  opened.store = await RedisStore.open(config, envOf(opened))
  t.after(() => opened.store.close())
  return opened
}

function envOf({ cells, events }: Opened): StoreEnv {
  return { name: 'counters', cells, worker: 0, baseDir: '/', report: (event) => events.push(event) }
}

/** What looks at the server beside the store. */
async function connect(t: TestContext, port: number): Promise<RedisConnection> {
  const config = { ...base, url: `redis://127.0.0.1:${port}` }
  const connection = await RedisConnection.open(config, envOf(new Opened()))
  t.after(() => connection.close())
  await until('the connection is here', () => connection.here)
  return connection
}

async function openHere(t: TestContext, port: number, more?: Partial<RedisStoreConfig>): Promise<Opened> {
  const opened = await open(t, port, more)
  await until('the store is here', () => opened.store.here)
  return opened
}

async function server(t: TestContext, args?: readonly string[]): Promise<[TestProcess, number] | undefined> {
  const port = await freePort()
  const process = await startRedis(t, port, args)
  return process && [process, port]
}

test('two gateways admit exactly the burst together, whoever asks when', async (t) => {
  const [, port] = (await server(t)) ?? []
  if (port === undefined) return
  const stores = [await openHere(t, port), await openHere(t, port)]
  const limiters = stores.map(({ store }) => store.limiter(tenAnHour))
  const asked = Array.from({ length: 60 }, (_, i) => limiters[i % 2]!.take(i % 3 === 0 ? 'a' : 'b'))
  const verdicts = await Promise.all(asked)
  for (const key of ['a', 'b']) {
    const own = verdicts.filter((_, i) => (i % 3 === 0 ? 'a' : 'b') === key)
    const admitted = own.filter(({ waitMs }) => waitMs === 0)
    assert.equal(admitted.length, 10)
    assert.deepEqual(
      admitted.map(({ left }) => left).toSorted((a, b) => b - a),
      [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    )
    for (const { waitMs } of own.slice(30)) assert.ok(waitMs > 300_000 && waitMs <= 360_000, String(waitMs))
  }
})

test('a burst of many small intervals is exact: no fraction of one is lost in a double', async (t) => {
  const [, port] = (await server(t)) ?? []
  if (port === undefined) return
  const { store } = await openHere(t, port, { timeout: 10_000 })
  // 1001 in three days: an interval that no double holds exactly.
  const limiter = store.limiter({ name: 'odd', requests: 1_001, perMs: 259_200_000, burst: 1_001 })
  const verdicts = await Promise.all(Array.from({ length: 1_100 }, () => limiter.take('a')))
  assert.equal(verdicts.filter(({ waitMs }) => waitMs === 0).length, 1_001)
})

test('debts expire with their keys, which say nothing of the client', async (t) => {
  const [, port] = (await server(t)) ?? []
  if (port === undefined) return
  const { store } = await openHere(t, port)
  const limiter = store.limiter({ name: 'fast', requests: 1_000, perMs: 1_000, burst: 5 })
  const connection = await connect(t, port)
  await store.limiter(tenAnHour).take('openid-of-somebody')
  const keys = (await connection.call('KEYS', '*')) as string[]
  assert.equal(keys.length, 1)
  assert.match(keys[0]!, /^test:limit:shop\.0:[\w-]{43}$/)
  await limiter.take('b')
  await until('the debt of 1 ms is forgotten', async () => Number(await connection.call('DBSIZE')) === 1)
  const leftMs = Number(await connection.call('PTTL', keys[0]!))
  assert.ok(leftMs > 0 && leftMs <= 360_001, String(leftMs))
})

test('a script the server has forgotten is sent again', async (t) => {
  const [, port] = (await server(t)) ?? []
  if (port === undefined) return
  const { store } = await openHere(t, port)
  const connection = await connect(t, port)
  const limiter = store.limiter(tenAnHour)
  await limiter.take('a')
  await connection.call('SCRIPT', 'FLUSH')
  assert.equal((await limiter.take('a')).left, 8)
})

test('a server that is killed is away at once, told once, and back without a restart', async (t) => {
  const [first, port] = (await server(t)) ?? []
  if (first === undefined || port === undefined) return
  const opened = await openHere(t, port)
  const limiter = opened.store.limiter(tenAnHour)
  await limiter.take('a')
  await first.kill()
  await until('it is away', () => !opened.store.here)
  await assert.rejects(limiter.take('a'), StoreAway)
  assert.deepEqual(opened.kinds(), ['store.away'])
  assert.equal(readStoreCounts(opened.cells).here, false)
  assert.ok(await startRedis(t, port))
  await until('it is back', () => opened.store.here)
  assert.equal((await limiter.take('a')).left, 9)
  assert.deepEqual(opened.kinds(), ['store.away', 'store.back'])
})

test('a server that hangs costs three calls their time; then nobody waits until it answers again', async (t) => {
  const [hung, port] = (await server(t)) ?? []
  if (hung === undefined || port === undefined) return
  const opened = await openHere(t, port, { timeout: 50 })
  const limiter = opened.store.limiter(tenAnHour)
  hung.child.kill('SIGSTOP')
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => limiter.take('a')))
  assert.ok(results.every(({ status }) => status === 'rejected'))
  assert.equal(opened.store.here, false)
  const { failed, passed } = readStoreCounts(opened.cells)
  await assert.rejects(limiter.take('a'), StoreAway)
  assert.equal(readStoreCounts(opened.cells).failed, failed)
  assert.equal(readStoreCounts(opened.cells).passed, passed + 1)
  hung.child.kill('SIGCONT')
  await until('it is back', () => opened.store.here)
  assert.deepEqual(opened.kinds(), ['store.away', 'store.back'])
})

test('away at the start is told too, and ends by itself', async (t) => {
  const port = await freePort()
  const opened = await open(t, port)
  await until('it is told', () => opened.events.length > 0)
  assert.equal(opened.store.here, false)
  if ((await startRedis(t, port)) === undefined) return
  await until('it is there', () => opened.store.here)
  assert.deepEqual(opened.kinds(), ['store.away', 'store.back'])
})

test('a server that refuses the password or the memory is away, and says why', async (t) => {
  const [, port] = (await server(t, ['--requirepass', 'right horse'])) ?? []
  if (port === undefined) return
  const wrong = await open(t, port, { url: `redis://:wrong@127.0.0.1:${port}` })
  await until('it is told', () => wrong.events.length > 0)
  assert.match(String(wrong.events[0]!.evidence['reason']), /WRONGPASS|NOAUTH/)
  const right = await openHere(t, port, { url: `redis://:right%20horse@127.0.0.1:${port}` })
  assert.equal((await right.store.limiter(tenAnHour).take('a')).left, 9)
  assert.deepEqual(right.kinds(), [])
})
