import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { LogRecord } from '@budao/model'
import { MemoryCoordination } from '@budao/testkit'
import type { Notification } from '../notify/notification.ts'
import { parseRules } from '../rules/rule-file.ts'
import { AlertEngine } from './alert-engine.ts'
import { dutyStep } from '../shared/notifier-duty.ts'
import { StoredAlerts } from '../shared/stored-alerts.ts'
import type { AlertEngineOptions } from './engine-options.ts'

const error: LogRecord = {
  timestamp: 0,
  observed: 0,
  severityNumber: 17,
  severityText: 'error',
  body: 'no answer',
  resource: {},
  attributes: { service: 'shop' },
}

/** What a controller knows together with those that have the same store; left when the test ends, or before. */
function sharedOf(t: TestContext, store: MemoryCoordination, node: string): StoredAlerts {
  const shared = new StoredAlerts({
    store,
    node,
    now: () => performance.now(),
    wallNow: () => Date.now(),
    warn: () => {},
  })
  t.after(() => shared.close())
  return shared
}

function engine(
  t: TestContext,
  sent: Notification[],
  options: Partial<AlertEngineOptions> & { condition?: string } = {},
): AlertEngine {
  const rule = {
    alert_name: 'errors',
    condition: options.condition ?? 'count(log.level:error) > 2 in 1m by service',
    severity: 'P1',
  }
  const parsed = parseRules(JSON.stringify(rule), 'rules.json', { receivers: [] })
  assert.ok(parsed.ok)
  const channel = {
    limit: null,
    send: (notification: Notification) => {
      sent.push(notification)
      return Promise.resolve({ kind: 'delivered' } as const)
    },
  }
  const made = new AlertEngine({
    rules: parsed.rules,
    builtIn: new Set(),
    receivers: ['ops', 'boss'].map((name) => ({ name, kind: 'webhook', sendResolved: true, channel })),
    notify: ['ops'],
    sources: [],
    intervalMs: 5_000,
    timing: { waitMs: 10, intervalMs: 300_000, repeatMs: 14_400_000 },
    groupBy: ['alertname'],
    inhibit: [],
    escalation: null,
    retryForMs: 60_000,
    links: null,
    externalUrl: '',
    store: null,
    shared: null,
    report: () => {},
    now: () => performance.now(),
    wallNow: () => Date.now(),
    random: () => 0,
    ...options,
  })
  t.after(() => made.close())
  made.begin()
  return made
}

test('two controllers judge, one tells; the other takes over and tells nothing twice', async (t) => {
  const store = new MemoryCoordination()
  const [byA, byB]: [Notification[], Notification[]] = [[], []]
  const groupBy = ['service']
  const sharedA = sharedOf(t, store, 'a')
  await until('a has the duty', () => sharedA.notifies() === true)
  const a = engine(t, byA, { shared: sharedA, groupBy })
  const b = engine(t, byB, { shared: sharedOf(t, store, 'b'), groupBy })
  for (const each of [a, b]) for (let n = 0; n < 3; n++) each.take(error)
  // Only one of them sees this, and not the one that tells; it is told all the same, once.
  for (let n = 0; n < 3; n++) b.take({ ...error, attributes: { service: 'news' } })
  await until('it is told', () => byA.flatMap(({ alerts }) => alerts).length === 2)
  await until('a knows who sees what', () =>
    a.report().alerts.some(({ labels }) => labels['service'] === 'news'),
  )
  assert.deepEqual(
    a.report().alerts.map(({ seenElsewhere }) => seenElsewhere),
    [['b'], ['b']],
  )
  assert.deepEqual([byB.length, b.report().notifier], [0, 'a'])

  // What people do at one of them holds at both.
  const silence = b.silence({ matchers: ['service=pay'], forMs: 60_000, by: 'lin', reason: 'planned' })
  assert.equal(b.acknowledge({ alert: 'errors', by: 'lin', reason: '' }), 2)
  const known = (): boolean =>
    a.report().silences[0]?.id === silence.id &&
    a.report().alerts.every(({ acknowledged }) => acknowledged?.by === 'lin')
  await until('a knows of it', known)
  // Also while the store is away, as soon as it is back.
  store.away = true
  assert.equal(a.endSilence(silence.id, 'wu'), true)
  store.away = false
  await until('b knows that it has ended', () => b.report().silences[0]?.state === 'expired')

  const told = byA.length
  a.close()
  await sharedA.close()
  await until('the other one tells', () => b.report().notifies)
  const other = { ...error, attributes: { service: 'pay' } }
  for (let n = 0; n < 3; n++) b.take(other)
  await until('what is new is told', () => byB.length > 0)
  await pause(300)
  assert.deepEqual([byA.length, byB.map(({ groupLabels }) => groupLabels)], [told, [{ service: 'pay' }]])
})

test('of what was never told the next one tells; of what nobody acknowledges too, once', async (t) => {
  const store = new MemoryCoordination()
  const byB: Notification[] = []
  const escalation = { afterMs: 1_500, severities: ['P1'], to: ['boss'] }
  const sharedA = sharedOf(t, store, 'a')
  await until('a has the duty', () => sharedA.notifies() === true)
  const dead = engine(t, [], { shared: sharedA, timing: { waitMs: 60_000, intervalMs: 1, repeatMs: 1 } })
  const sharedB = sharedOf(t, store, 'b')
  const b = engine(t, byB, { shared: sharedB, escalation })
  for (const each of [dead, b]) for (let n = 0; n < 3; n++) each.take(error)
  dead.close()
  await sharedA.close()
  await until('it is told', () => byB.length === 1)

  // The one that has told is gone before the boss would be told.
  const byC: Notification[] = []
  const c = engine(t, byC, { shared: sharedOf(t, store, 'c'), escalation })
  for (let n = 0; n < 3; n++) c.take(error)
  b.close()
  await sharedB.close()
  await until('the boss is told', () => byC.length === 1)
  assert.deepEqual(
    byC.map(({ receiver, reason }) => [receiver, reason]),
    [['boss', 'escalation']],
  )
})

test('who tells: one that is silent for eight seconds is succeeded, one that has left at once', () => {
  const record = (node: string | null) => ({ version: 7, value: { node, beat: 1 } })
  const table: [record: ReturnType<typeof record> | null, sinceMs: number, step: string][] = [
    [null, 0, 'take'],
    [record(null), 0, 'take'],
    [record('me'), 60_000, 'keep'],
    [record('other'), 7_999, 'leave'],
    [record('other'), 8_000, 'take'],
  ]
  for (const [found, sinceMs, step] of table)
    assert.equal(dutyStep('me', { record: found, changedAt: 1_000 }, 1_000 + sinceMs), step)
})

test('five thousand alerts at once are one message; nobody acknowledges, and the boss hears', async (t) => {
  const sent: Notification[] = []
  const one = engine(t, sent, {
    condition: 'count(log.level:error) > 0 in 1m by service',
    escalation: { afterMs: 300, severities: ['P1'], to: ['boss'] },
    groupBy: [],
  })
  for (let service = 0; service < 5_000; service++)
    one.take({ ...error, attributes: { service: `s${service}` } })
  await until('it is told', () => sent.length >= 1)
  assert.equal(sent[0]!.receiver, 'ops')
  assert.deepEqual([sent[0]!.firing, sent[0]!.alerts.length, sent[0]!.truncated], [5_000, 200, 4_800])
  await until('the boss is told', () => sent.some(({ receiver }) => receiver === 'boss'))
  assert.equal(sent.find(({ receiver }) => receiver === 'boss')!.firing, 5_000)
  assert.equal(one.acknowledge({ alert: 'errors', by: 'lin', reason: '' }), 5_000)
  await pause(600)
  assert.equal(sent.filter(({ receiver }) => receiver === 'boss').length, 1)
})

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!holds()) {
    assert.ok(performance.now() < end, `not within 20 s: ${what}`)
    await pause(10)
  }
}
