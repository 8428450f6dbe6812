import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { alertMetrics } from '../alerts/alert-metrics.ts'
import { builtInRules } from '../alerts/builtin-rules.ts'
import { ConditionError } from './condition-error.ts'
import { parseCondition } from './condition-parser.ts'
import { toPromql } from './promql.ts'
import { QuantileWindow } from './quantile-window.ts'
import { WindowSum } from './window.ts'

const refused: [condition: string, at: number, message: RegExp][] = [
  ['', 0, /one of value, avg/],
  ['cuont(log.level:error) > 1 in 5m', 0, /expected one of .*found `cuont`/],
  ['count log.level:error > 1 in 5m', 6, /`\(`/],
  ['count(log.level:error > 1 in 5m', 31, /`\)`, found the end/],
  ['count(log.level:error) 1 in 5m', 23, /> , |>, >=/],
  ['count(log.level:error) > many in 5m', 25, /a number, found `many`/],
  ['count(log.level:error) > 1', 26, /`in` and a duration/],
  ['count(log.level:error) > 1 in 5', 30, /from 1s to 24h/],
  ['count(log.level:error) > 1 in 5m in 6m', 33, /each once/],
  ['count(log.level:error) > 1 in 5m min 0', 37, /above 0/],
  ['count(log.level>=wrong) > 1 in 5m', 17, /one of trace, debug, info, warn, error, fatal/],
  ['count(status>=many) > 1 in 5m', 14, /a number, found `many`/],
  ['count(budao_link_up) > 1 in 5m', 6, /budao_link_up\{\} is the metric/],
  ['count("open) > 1 in 5m', 22, /`\)`/],
  ['ratio(log.level:error) > 1 in 5m', 21, /a share of.*spaces around/],
  ['value(log.level:error) > 1', 6, /of metrics only/],
  ['p99() > 1 in 5m', 4, /the field that has the number/],
  ['p99(ms log.level:error) > 1 in 5m', 7, /`where`/],
  ['value(m{a="1) > 1', 17, /`\)`/],
  ['value(m{a=1}) > 1', 10, /a value in quotes/],
  ['value(m{a=~"("}) > 1', 11, /a regular expression/],
  ['absent(m{}) in 5m by a', 22, /have no labels/],
  ['count(m{}) > 1 in 5m min 5', 9, /a ratio or a quantile/],
]

test('what is no condition is refused with its place, what was expected and what was found', () => {
  for (const [condition, at, message] of refused)
    assert.throws(
      () => parseCondition(condition),
      (error) => {
        assert.ok(error instanceof ConditionError, `${condition}: ${String(error)}`)
        assert.match(error.message, message, condition)
        assert.equal(error.at, at, `${condition}: ${error.message}`)
        return true
      },
    )
})

test('clauses come in any order, percent is a hundredth, and an expression of Prometheus says the same', () => {
  const condition = parseCondition('ratio(m{c=~"5.."} / m{}) >= 5% min 50 by a, b in 90s')
  assert.ok(condition.source === 'metric')
  assert.equal(
    toPromql(condition),
    'sum by (a, b) (increase(m{c=~"5.."}[90s])) / sum by (a, b) (increase(m[90s])) >= 0.05 and sum by (a, b) (increase(m[90s])) >= 50',
  )
})

test('a window forgets what is older, also after a pause, and is what it was after a restart', () => {
  const window = new WindowSum(300_000)
  for (let second = 0; second < 300; second++) window.add(1, second * 1_000)
  assert.equal(window.sum(299_000), 300)
  assert.equal(window.sum(300_000), 299)
  assert.equal(window.sum(449_000), 150)
  const restored = new WindowSum(300_000)
  restored.restore(window.save(449_000), 5_000, 50_000)
  assert.equal(restored.sum(5_000), 100)
  assert.equal(window.sum(1e9), 0)
})

test('a quantile is right to within 1 %, and forgets too', () => {
  const window = new QuantileWindow(60_000)
  for (let value = 1; value <= 1_000; value++) window.add(value, value)
  for (const [quantile, wanted] of [
    [0.5, 500],
    [0.99, 990],
  ] as const)
    assert.ok(Math.abs(window.quantile(quantile, 1_000) - wanted) <= wanted * 0.0101)
  assert.equal(window.count(62_000), 0)
  assert.ok(Number.isNaN(window.quantile(0.5, 62_000)))
})

test('docs/reference lists every rule that comes with Budao, and every metric of alerts', () => {
  const read = (name: string): string =>
    readFileSync(new URL(`../../../../docs/reference/${name}`, import.meta.url), 'utf8')
  const documented = [...read('alerts.md').matchAll(/^\| `(Budao\w+)` \| (P\d) \|/gm)].map(
    ([, name, severity]) => `${name} ${severity}`,
  )
  const rules = builtInRules().map(({ name, severity }) => `${name} ${severity}`)
  assert.deepEqual(
    documented.toSorted(),
    [...rules, 'BudaoAlertsStalled P1', 'BudaoRuleFailing P1'].toSorted(),
  )
  const empty = {
    notifies: true,
    notifier: null,
    judgedMs: 0,
    rules: [],
    alerts: [],
    silences: [],
    receivers: [],
  }
  const counts = { records: 0, series: 0, seriesDropped: 0, scrapeProblems: 0, evaluations: 0 }
  const written = [...alertMetrics(empty, counts).matchAll(/^# TYPE (\S+) (\w+)$/gm)]
  const rows = [...read('metrics.md').matchAll(/^\| `(budao_alerts_\w+)` \| (\w+) \|/gm)]
  const pairs = (found: RegExpMatchArray[]): string[] =>
    found.map(([, name, type]) => `${name} ${type}`).toSorted()
  assert.deepEqual(pairs(rows), pairs(written))
})
