import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { parseConfig } from '@budao/model/parser'
import { LocalCells } from '@budao/resilience'
import { freePort, startRedis, tempDir } from '@budao/testkit'
import { RedisStore } from '../providers/redis-store.ts'
import { storeCells } from '../stores/store-status.ts'
import { StoreAway } from '../stores/store.ts'
import { configText, until } from '../test-gateway.test.ts'
import { KeyFileDesk } from './key-file-desk.ts'
import { KeyFile } from './key-file.ts'
import { KeyFileHost } from './key-file-host.ts'
import type { KeyFileCall } from './key-file-messages.ts'
import { KeyFilePort } from './key-file-port.ts'
import { openKeyFile } from './open-key-file.ts'
import type { FirstResult, KeyClaim, KeyStore, Settlement } from './key-store.ts'

/** Two views of one place, as two threads or two gateways have them. */
type Open = (t: TestContext) => Promise<readonly [KeyStore, KeyStore] | undefined>

const HOUR = 3_600_000

function claimOf(more: Partial<KeyClaim> = {}): KeyClaim {
  return {
    name: 'orders',
    id: 'k1',
    fingerprint: 'f1',
    owner: randomUUID(),
    leaseMs: HOUR,
    ttlMs: HOUR,
    takesUncertain: true,
    entriesMax: 1_000,
    ...more,
  }
}

/** Every byte there is, as a picture would have them. */
const body = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString('latin1')
const result: FirstResult = { status: 201, reason: 'Created', lines: 'X-Name: caf\u00e9\r\nX-B: 2\r\n', body }

function keep(what: FirstResult = result, ttlMs = HOUR): Settlement {
  return { kind: 'keep', result: what, ttlMs, bytesMax: 1_000_000 }
}

const doubt: Settlement = { kind: 'doubt', ttlMs: HOUR }

const stores: readonly (readonly [string, Open])[] = [
  ['the file', openFile],
  ['the shared store', openShared],
]

for (const [name, open] of stores) {
  test(`${name}: a key is claimed once, and its result is everybody's`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const claims = Array.from({ length: 40 }, () => claimOf())
    const answers = await Promise.all(claims.map((claim, i) => (i % 2 === 0 ? here : there).claim(claim)))
    const winner = answers.findIndex(({ kind }) => kind === 'claimed')
    assert.deepEqual(answers[winner], { kind: 'claimed', again: false })
    for (const [i, { kind }] of answers.entries()) if (i !== winner) assert.equal(kind, 'in-progress')
    assert.equal(await here.settle(claims[winner]!, keep()), null)
    for (const store of [here, there])
      assert.deepEqual(await store.claim(claimOf()), { kind: 'kept', result })
    assert.deepEqual(await there.claim(claimOf({ fingerprint: 'f2' })), { kind: 'other-request' })
    assert.deepEqual(await there.claim(claimOf({ id: 'k2' })), { kind: 'claimed', again: false })
    assert.deepEqual(await there.claim(claimOf({ name: 'carts' })), { kind: 'claimed', again: false })
  })

  test(`${name}: what is released is free, for any request`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const first = claimOf()
    await here.claim(first)
    await there.settle(claimOf(), { kind: 'release' })
    assert.deepEqual(await there.claim(claimOf()), { kind: 'in-progress' }, 'somebody else’s to release')
    await here.settle(first, { kind: 'release' })
    const second = claimOf({ fingerprint: 'f2' })
    assert.deepEqual(await there.claim(second), { kind: 'claimed', again: false })
  })

  test(`${name}: an uncertain key is for who takes such, and stays that request's`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const first = claimOf()
    await here.claim(first)
    await here.settle(first, doubt)
    assert.deepEqual(await there.claim(claimOf({ takesUncertain: false })), { kind: 'uncertain' })
    assert.deepEqual(await there.claim(claimOf({ fingerprint: 'f2' })), { kind: 'other-request' })
    assert.deepEqual(await there.claim(claimOf()), { kind: 'claimed', again: true })
  })

  test(`${name}: a lease ends by itself, and the first result stands whoever brings it`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const late = claimOf({ leaseMs: 1 })
    await here.claim(late)
    const refusing = claimOf({ takesUncertain: false })
    await until('the lease is over', async () => (await there.claim(refusing)).kind === 'uncertain')
    const second = claimOf()
    assert.deepEqual(await there.claim(second), { kind: 'claimed', again: true })
    await here.settle(late, doubt)
    await here.settle(late, { kind: 'release' })
    assert.deepEqual(await here.claim(claimOf()), { kind: 'in-progress' }, 'the late one has no say')
    assert.equal(await here.settle(late, keep()), null)
    const other = { ...result, status: 500, body: 'late' }
    assert.deepEqual(await there.settle(second, keep(other)), result)
    assert.deepEqual(await there.claim(claimOf()), { kind: 'kept', result })
  })

  test(`${name}: keys are forgotten in time`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    const kept = claimOf()
    await here.claim(kept)
    await here.settle(kept, keep(result, 1))
    await here.claim(claimOf({ id: 'k2', leaseMs: 1, ttlMs: 1 }))
    for (const id of ['k1', 'k2']) {
      await until(`${id} is free`, async () => {
        const answer = await there.claim(claimOf({ id, fingerprint: 'f3' }))
        return answer.kind === 'claimed' && !answer.again
      })
    }
  })

  test(`${name}: a result without a body, and one with an empty one`, async (t) => {
    const [here, there] = (await open(t)) ?? []
    if (here === undefined || there === undefined) return
    for (const [id, text] of [
      ['k1', null],
      ['k2', ''],
    ] as const) {
      const claim = claimOf({ id })
      await here.claim(claim)
      await here.settle(claim, keep({ ...result, body: text }))
      assert.deepEqual(await there.claim(claimOf({ id })), {
        kind: 'kept',
        result: { ...result, body: text },
      })
    }
  })
}

test('the file: a thread that ends leaves its keys uncertain at once, whatever their leases', async (t) => {
  const { desk } = fileDesk(t)
  const [dying, other] = [portTo(t, desk), portTo(t, desk)]
  await dying.store.claim(claimOf())
  assert.deepEqual(await other.store.claim(claimOf()), { kind: 'in-progress' })
  dying.close()
  await until('it is uncertain', async () => {
    const answer = await other.store.claim(claimOf({ takesUncertain: false }))
    return answer.kind === 'uncertain'
  })
  assert.equal(dying.store.here, false)
  await assert.rejects(dying.store.claim(claimOf()), StoreAway)
})

test('the file: what was kept is found by the next process, what was under way is uncertain', (t) => {
  const path = join(tempDir(t), 'keys.db')
  const open = (): KeyFile => new KeyFile(path, { now: () => performance.now(), wallNow: () => Date.now() })
  const first = open()
  const [kept, underWay] = [claimOf(), claimOf({ id: 'k2' })]
  first.batch(true, () => {
    first.claim(kept, 0)
    first.claim(underWay, 0)
    first.settle(kept, keep())
  })
  assert.throws(open, /locked/, 'one process at a time')
  first.close()
  const second = open()
  t.after(() => second.close())
  second.batch(true, () => {
    assert.deepEqual(second.claim(claimOf(), 0), { kind: 'kept', result })
    assert.deepEqual(second.claim(claimOf({ id: 'k2', takesUncertain: false }), 0), { kind: 'uncertain' })
  })
  assert.deepEqual(Object.fromEntries(second.counts()), {
    orders: { entries: 2, bytes: result.lines.length + body.length },
  })
})

test('the file: a batch that fails leaves nothing, and its counts are right', (t) => {
  const file = new KeyFile(':memory:', { now: () => performance.now(), wallNow: () => Date.now() })
  t.after(() => file.close())
  const claim = claimOf()
  assert.throws(
    () =>
      file.batch(false, () => {
        file.claim(claim, 0)
        throw new Error('no')
      }),
    /no/,
  )
  assert.equal(file.counts().size, 0)
  file.batch(false, () => assert.equal(file.claim(claim, 0).kind, 'claimed'))
})

test('the file: its limits are those of each name, and it says when they are reached', async (t) => {
  const { desk, events } = fileDesk(t)
  const { store } = portTo(t, desk)
  for (let i = 0; i < 3; i++)
    assert.equal((await store.claim(claimOf({ id: `k${i}`, entriesMax: 3 }))).kind, 'claimed')
  assert.equal((await store.claim(claimOf({ id: 'k3', entriesMax: 3 }))).kind, 'full')
  assert.equal((await store.claim(claimOf({ id: 'k1', entriesMax: 3 }))).kind, 'in-progress')
  assert.equal((await store.claim(claimOf({ id: 'k3', name: 'carts', entriesMax: 3 }))).kind, 'claimed')
  const claim = claimOf({ id: 'k9', name: 'carts' })
  await store.claim(claim)
  await store.settle(claim, { kind: 'keep', result, ttlMs: HOUR, bytesMax: 256 })
  assert.deepEqual(await store.claim(claimOf({ id: 'k9', name: 'carts' })), {
    kind: 'kept',
    result: { ...result, body: null },
  })
  assert.deepEqual(
    events.map(({ kind, subject, evidence }) => [kind, subject, evidence['limit']]),
    [
      ['idempotency.full', 'orders', 'entries'],
      ['idempotency.full', 'carts', 'bytes'],
    ],
  )
})

test('the file: what has expired goes by itself', (t) => {
  const clock = { wall: 1_000 }
  const file = new KeyFile(':memory:', { now: () => 0, wallNow: () => clock.wall })
  t.after(() => file.close())
  file.batch(false, () => {
    for (let i = 0; i < 2_500; i++)
      file.claim(claimOf({ id: `k${i}`, ttlMs: i, leaseMs: 0, entriesMax: 9_999 }), 0)
  })
  clock.wall += 2_400
  let removed = 0
  for (let round = 0; round < 4; round++) file.batch(false, () => (removed += file.sweep()))
  assert.equal(removed, 2_401)
  assert.equal(file.counts().get('orders')?.entries, 99)
})

function fileDesk(t: TestContext, path = join(tempDir(t), 'keys.db')) {
  const events: Parameters<ConstructorParameters<typeof KeyFileDesk>[2]>[0][] = []
  const file = new KeyFile(path, { now: () => performance.now(), wallNow: () => Date.now() })
  const desk = new KeyFileDesk(file, path, (event) => events.push(event))
  t.after(() => desk.close())
  return { desk, events, file }
}

function portTo(t: TestContext, desk: KeyFileDesk): { store: KeyFilePort; close: () => void } {
  const { port1, port2 } = new MessageChannel()
  desk.serve(port1)
  const store = new KeyFilePort()
  store.connect(port2)
  t.after(() => port2.close())
  return { store, close: () => port2.close() }
}

function openFile(t: TestContext): Promise<readonly [KeyStore, KeyStore]> {
  const { desk } = fileDesk(t)
  return Promise.resolve([portTo(t, desk).store, portTo(t, desk).store])
}

async function openShared(t: TestContext): Promise<readonly [KeyStore, KeyStore] | undefined> {
  const port = await freePort()
  if ((await startRedis(t, port)) === undefined) return undefined
  const views: KeyStore[] = []
  for (let i = 0; i < 2; i++) {
    const store = await RedisStore.open(
      {
        url: `redis://127.0.0.1:${port}`,
        timeout: 5_000,
        connectTimeout: 5_000,
        failures: 3,
        probeInterval: 100,
        keyPrefix: 'test:',
      },
      { name: 'keys', cells: new LocalCells(storeCells(1)), worker: 0, baseDir: '/', report: () => {} },
    )
    t.after(() => store.close())
    await until('the store is here', () => store.here)
    views.push(store.writeKeys())
  }
  return [views[0]!, views[1]!]
}

for (const [what, content] of [
  ['no file of keys', 'x'.repeat(8_192)],
  ['a damaged one', null],
] as const) {
  test(`${what} is put aside, told of, and begun anew`, (t) => {
    const path = join(tempDir(t), 'deep', 'keys.db')
    const events: string[] = []
    const open = (): KeyFile => openKeyFile(path, ({ kind, severity }) => events.push(`${severity} ${kind}`))
    const before = open()
    before.batch(true, () => before.claim(claimOf(), 0))
    before.close()
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const bytes = readFileSync(path)
    writeFileSync(
      path,
      content ?? Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 7)]),
    )
    const file = open()
    t.after(() => file.close())
    assert.deepEqual(events, ['critical idempotency.lost'])
    file.batch(true, () => assert.deepEqual(file.claim(claimOf(), 0), { kind: 'claimed', again: false }))
    assert.equal(readdirSync(dirname(path)).filter((name) => name.includes('.damaged-')).length, 1)
  })
}

test('a file that another process has, and a place where there can be none, are refused with a reason', (t) => {
  const path = join(tempDir(t), 'keys.db')
  const first = openKeyFile(path, () => {})
  t.after(() => first.close())
  assert.throws(() => openKeyFile(path, () => {}), /is open in another process/)
  assert.throws(() => openKeyFile(join(path, 'below.db'), () => {}), /below\.db cannot be used: /)
})

test('the file: while it cannot be written, whoever asks is told so, and people once', async (t) => {
  const { desk, events, file } = fileDesk(t)
  const { store } = portTo(t, desk)
  await store.claim(claimOf())
  const batch = file.batch.bind(file)
  file.batch = () => {
    throw new Error('database or disk is full')
  }
  for (let i = 0; i < 2; i++) await assert.rejects(store.claim(claimOf()), StoreAway)
  file.batch = batch
  assert.deepEqual(await store.claim(claimOf()), { kind: 'in-progress' })
  assert.deepEqual(
    events.map(({ kind, evidence }) => `${kind} ${String(evidence['reason'])}`),
    ['idempotency.away database or disk is full', 'idempotency.back '],
  )
})

test('the file: a claim that is granted too late is given back', async (t) => {
  const { port1, port2 } = new MessageChannel()
  t.after(() => port1.close())
  const calls: KeyFileCall[] = []
  port1.on('message', (some: KeyFileCall[]) => calls.push(...some))
  const store = new KeyFilePort()
  store.connect(port2)
  const claim = claimOf()
  await assert.rejects(store.claim(claim), /no answer within 2000 ms/)
  port1.postMessage([{ call: calls[0]!.call, claimed: { kind: 'claimed', again: false } }])
  await until('it is given back', () => calls.length === 2)
  const { name, id, fingerprint, owner } = claim
  assert.deepEqual(calls[1], {
    call: 2,
    owner: { name, id, fingerprint, owner },
    settlement: { kind: 'release' },
  })
})

test('the file: its thread is started anew when it crashes, and what was under way is uncertain', async (t) => {
  const events: string[] = []
  let restarts = 0
  const host = new KeyFileHost({
    path: join(tempDir(t), 'keys.db'),
    report: ({ kind, severity }) => events.push(`${severity} ${kind}`),
    warn: (message) => assert.fail(message),
    onRestart: () => restarts++,
  })
  t.after(() => host.close())
  const parsed = parseConfig(
    configText({ endpoints: ['127.0.0.1:1'], route: { filters: [{ idempotency: {} }] } }),
    'test',
  )
  assert.ok(parsed.ok)
  await host.arrange(parsed.config)
  const [store, saboteur] = [new KeyFilePort(), host.connect({})!]
  store.connect(host.connect(store)!)
  assert.equal(host.connect(store), null, 'one way is enough')
  await store.claim(claimOf())
  saboteur.postMessage('not a list of calls, but it can be gone through')
  await until('it is started anew', () => restarts === 1)
  assert.equal(store.here, false)
  store.connect(host.connect(store)!)
  assert.deepEqual(await store.claim(claimOf({ takesUncertain: false })), { kind: 'uncertain' })
  assert.deepEqual(events, ['critical idempotency.away', 'info idempotency.back'])
})
