import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { LogRecord } from '@budao/model'
import type { Notification } from '../notify/notification.ts'
import { parseRules } from '../rules/rule-file.ts'
import { AlertEngine } from './alert-engine.ts'
import type { AlertEngineOptions, SharedTold, ToldRecord } from './engine-options.ts'

const error: LogRecord = {
  timestamp: 0,
  observed: 0,
  severityNumber: 17,
  severityText: 'error',
  body: 'no answer',
  resource: {},
  attributes: { service: 'shop' },
}

/** What two controllers share. */
class SharedMemory implements SharedTold {
  readonly records = new Map<string, ToldRecord>()
  all(): ReadonlyMap<string, ToldRecord> {
    return this.records
  }
  publish(groupKey: string, told: ToldRecord): void {
    this.records.set(groupKey, told)
  }
  close(): void {}
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
    notifies: () => true,
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
  const shared = new SharedMemory()
  let leader = 'a'
  const [byA, byB]: [Notification[], Notification[]] = [[], []]
  const a = engine(t, byA, { shared, notifies: () => leader === 'a' })
  const b = engine(t, byB, { shared, notifies: () => leader === 'b' })
  for (const each of [a, b]) for (let n = 0; n < 3; n++) each.take(error)
  await until('the leader has told', () => byA.length === 1 && shared.records.size === 1)
  assert.equal(byB.length, 0)

  leader = 'b'
  await until('the other one tells', () => b.report().notifies && !a.report().notifies)
  const other = { ...error, attributes: { service: 'pay' } }
  for (const each of [a, b]) for (let n = 0; n < 3; n++) each.take(other)
  await until('both see it', () => b.report().alerts.filter(({ state }) => state === 'firing').length === 2)
  // A new alert of a group that was told waits for the interval of its group; nothing old is told again.
  await pause(600)
  assert.deepEqual([byA.length, byB.length], [1, 0])
})

test('of what was never told the next leader tells', async (t) => {
  const shared = new SharedMemory()
  let leader = 'a'
  const byB: Notification[] = []
  const dead = engine(t, [], {
    shared,
    notifies: () => leader === 'a',
    timing: { waitMs: 60_000, intervalMs: 1, repeatMs: 1 },
  })
  const b = engine(t, byB, { shared, notifies: () => leader === 'b' })
  for (const each of [dead, b]) for (let n = 0; n < 3; n++) each.take(error)
  leader = 'b'
  dead.close()
  await until('it is told', () => byB.length === 1)
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
