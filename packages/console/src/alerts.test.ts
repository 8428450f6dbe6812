import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLogFilter } from '@budao/model'
import type { AlertReport, AlertsReport } from '@budao/model'
import { Refusal } from './admin-client.ts'
import { alertQuestion, firingCount, groupAlerts, matchersOf, samplesOf, windowOf } from './alert-state.ts'
import type { AlertsState } from './alert-state.ts'
import { alertView } from './alert-view.ts'
import { textOf } from './element.ts'
import type { Element, Node } from './element.ts'
import { languages } from './words.ts'

const words = languages.en
const now = new Date('2026-01-01T12:00:00Z')
const condition = 'count(log.level:error) > 100 in 5m by service'

const alert = (changes: Partial<AlertReport> = {}): AlertReport => ({
  fingerprint: 'f1',
  name: 'errors',
  severity: 'P1',
  state: 'firing',
  labels: { alertname: 'errors', severity: 'P1', service: 'shop' },
  annotations: { summary: '101 errors', runbook_url: 'docs/operating/README.md' },
  value: 101,
  since: '2026-01-01T11:58:00.000Z',
  endedAt: null,
  muted: null,
  acknowledged: null,
  seenElsewhere: [],
  ...changes,
})

const alerts = (changes: Partial<AlertsReport> = {}): AlertsState => ({
  report: {
    notifies: true,
    notifier: null,
    judgedMs: 200,
    rules: [
      {
        name: 'errors',
        condition,
        severity: 'P1',
        builtIn: false,
        state: 'firing',
        notify: ['ops'],
        problem: '',
      },
    ],
    alerts: [alert()],
    silences: [],
    receivers: [],
    ...changes,
  },
  history: [],
})

const samples: [condition: string, filter: string | null, window: string | null][] = [
  [condition, 'log.level:error service:shop', '5m'],
  ['rate("timeout (x)") > 2 in 1m', '"timeout (x)"', '1m'],
  ['ratio(log.level:error / *) > 5% in 5m min 50', 'log.level:error', '5m'],
  ['count((a or b) c) > 1 in 10s', '(a or b) c', '10s'],
  ['count(a or b) > 1 in 10s by service', '(a or b) service:shop', '10s'],
  ['p99(duration_ms where service:shop) > 500 in 5m', 'service:shop', '5m'],
  ['p99(duration_ms) > 500 in 5m', '', '5m'],
  ['absent(service:billing) in 10m', null, '10m'],
  ['max(budao_gateway_breaker_open{}) > 0 in 5s by service', null, '5s'],
  ['count(m{}) > 40 in 5m', null, '5m'],
  ['count(event.kind:failover.started) > 0 in 5m', null, '5m'],
  ['value(up{}) < 1', null, null],
]
for (const [text, filter, window] of samples) {
  test(`the records of ${text} are those of ${filter ?? 'no filter'}`, () => {
    assert.equal(samplesOf(text, alert()), filter)
    assert.equal(windowOf(text), window)
    if (filter !== null) parseLogFilter(filter)
  })
}

test('an alert says why: its value, its condition, its labels, since when, and leads to its records', () => {
  const shown = alertView(alerts(), true, 'firing', now, words)
  assert.match(
    textOf(shown),
    /errorsP1.*Fires when count\(log\.level:error\) > 100.*service shopValue 101101 errorssince .*\(2 min\)/,
  )
  const [link] = find(shown, 'data-samples')
  assert.match(link!.attributes['href']!, /^#\/logs\?filter=log\.level%3Aerror\+service%3Ashop&range=15m$/)
  const wishes = find(shown, 'data-alert-wish').map(({ attributes }) => attributes['aria-label'])
  assert.deepEqual(wishes, ['Silence errors', 'Acknowledge errors', undefined])
})

test('what keeps an alert quiet and who has seen it is said; then it need not be acknowledged', () => {
  const acknowledged = { by: 'lin', at: '2026-01-01T11:59:00.000Z', reason: 'known' }
  const shown = alertView(
    alerts({ alerts: [alert({ muted: 'silenced', acknowledged })] }),
    true,
    'all',
    now,
    words,
  )
  assert.match(textOf(shown), /silenced.*seen by lin: known/)
  assert.equal(find(shown, 'data-acknowledged').length, 1)
  assert.ok(
    !find(shown, 'data-alert-wish').some((each) => each.attributes['data-alert-wish'] === 'acknowledge'),
  )
  assert.equal(firingCount(alerts({ alerts: [alert({ muted: 'silenced' })] })), 0)
  assert.equal(firingCount(alerts()), 1)
})

test('five thousand alerts are one group of which a hundred are drawn, with how many more there are', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => alert({ fingerprint: `f${index}` }))
  const shown = alertView(alerts({ alerts: many }), true, 'firing', now, words)
  assert.equal(find(shown, 'data-alert').length, 100)
  assert.match(textOf(shown), /× 5000.*and 4.900 more/)
})

test('the urgent come first: firing before pending, P1 before P2, old before new', () => {
  const order = groupAlerts([
    alert({ name: 'd', state: 'resolved' }),
    alert({ name: 'c', state: 'pending' }),
    alert({ name: 'b', severity: 'P2' }),
    alert({ name: 'a2', since: '2026-01-01T11:59:00.000Z' }),
    alert({ name: 'a1' }),
  ]).map(([first]) => first!.name)
  assert.deepEqual(order, ['a1', 'a2', 'b', 'c', 'd'])
})

test('that rules stand still, that a channel takes nothing, that nobody judges, are said', () => {
  const receiver = {
    ...{ name: 'ops', kind: 'wecom', waiting: 3, oldestMs: 61_000, delivered: 7, failed: 1, retried: 2 },
    problem: 'errcode 45009',
  }
  const shown = textOf(
    alertView(alerts({ judgedMs: 90_000, receivers: [receiver] }), true, 'firing', now, words),
  )
  assert.match(shown, /last judged 90 s ago: nothing below is of now/)
  assert.match(shown, /opswecom✕takes none73the oldest for 61 s21errcode 45009/)
  assert.match(textOf(alertView(null, true, 'firing', now, words)), /judges no rules.*receivers/s)
  assert.doesNotMatch(textOf(alertView(null, false, 'firing', now, words)), /judges no rules/)
})

test('a runbook is a link only where it is an address of the web', () => {
  const links = (url: string): number =>
    find(
      alertView(alerts({ alerts: [alert({ annotations: { runbook_url: url } })] }), true, 'all', now, words),
      'rel',
    ).length
  assert.deepEqual(['https://wiki/x', 'docs/x.md', 'javascript:alert(1)'].map(links), [1, 0, 0])
})

test('a silence is made with labels that mean exactly this alert, quotes and all', () => {
  assert.deepEqual(matchersOf({ labels: { service: 'shop', alertname: 'a "b"', severity: 'P1' } }), [
    'alertname="a \\"b\\""',
    'service="shop"',
  ])
})

test('a process that judges no rules is asked again only later', async () => {
  let asked = 0
  const question = alertQuestion({
    get: async () => {
      asked++
      throw new Refusal(404, { error: 'alerts-off' })
    },
  })
  assert.equal(await question.ask(0), null)
  await question.ask(10_000)
  assert.equal(asked, 1)
  await question.ask(40_000)
  assert.equal(asked, 2)
})

function find(nodes: readonly Node[], attribute: string): Element[] {
  return nodes.flatMap((node) =>
    typeof node === 'string'
      ? []
      : [...(attribute in node.attributes ? [node] : []), ...find(node.children, attribute)],
  )
}
