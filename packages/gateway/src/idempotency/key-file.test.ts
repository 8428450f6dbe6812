import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { parseConfig } from '@budao/model/parser'
import { tempDir } from '@budao/testkit'
import { StoreAway } from '../stores/store.ts'
import { configText, until } from '../test-gateway.test.ts'
import { KeyFileHost } from './key-file-host.ts'
import type { KeyFileCall } from './key-file-messages.ts'
import { KeyFile } from './key-file.ts'
import { KeyFilePort } from './key-file-port.ts'
import { openKeyFile } from './open-key-file.ts'
import { body, claimOf, fileDesk, HOUR, keep, portTo, result } from './test-keys.test.ts'

test('a thread that ends leaves its keys uncertain at once, whatever their leases', async (t) => {
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

test('what was kept is found by the next process, what was under way is uncertain', (t) => {
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

test('a batch that fails leaves nothing, and its counts are right', (t) => {
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

test('its limits are those of each name, and it says when they are reached', async (t) => {
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

test('what has expired goes by itself', (t) => {
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

test('while it cannot be written, whoever asks is told so, and people once', async (t) => {
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

test('a claim that is granted too late is given back', async (t) => {
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

test('its thread is started anew when it crashes, and what was under way is uncertain', async (t) => {
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
