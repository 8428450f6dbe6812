import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { requireDebian, tempDir } from '@budao/testkit'
import { promtoolCases } from '../../test/promtool-cases.ts'
import { toPrometheusRules } from '../rules/prometheus-rules.ts'
import { parseRules } from '../rules/rule-file.ts'
import { runRuleTest, type Expectation } from './rule-test.ts'
import { runRuleTestFile } from './rule-test-file.ts'
import { parseSeries, parseValues } from './series-notation.ts'

const minute = 60_000
const minutes = 20

test('of every case promtool finds what this engine finds, at every minute', async (t) => {
  const promtool = await requireDebian(t, 'prometheus', 'promtool')
  if (promtool === undefined) return
  const folder = tempDir(t)
  const rules = promtoolCases.map(({ rule }, index) => ({
    alert_name: `case${index}`,
    severity: 'P2',
    ...rule,
  }))
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules))
  const parsed = parseRules(JSON.stringify(rules), 'rules.json', { receivers: [] })
  assert.ok(parsed.ok, JSON.stringify(parsed))
  let firing = 0
  const tests = promtoolCases.map(({ title, series }, index) => {
    const own = parsed.rules.filter(({ name }) => name === `case${index}`)
    const expectations: Expectation[] = Array.from({ length: minutes }, (_, at) => ({
      evalTimeMs: at * minute,
      alertname: `case${index}`,
      alerts: [{ labels: { never: 'this' }, annotations: {} }],
    }))
    const input = Object.entries(series).map(([text, values]) => ({
      ...parseSeries(text),
      values: parseValues(values),
    }))
    // Nothing matches what is expected, so that everything that is found comes back.
    const found = runRuleTest(
      own,
      { name: title, intervalMs: minute, series: input, logs: [], expectations },
      minute,
    )
    assert.equal(found.length, minutes)
    const fired = found.filter((each) => each.found.length > 0).length
    firing += fired
    return {
      name: title,
      interval: '1m',
      input_series: Object.entries(series).map(([text, values]) => ({ series: text, values })),
      alert_rule_test: found.map((each) => ({
        eval_time: `${each.evalTimeMs / minute}m`,
        alertname: each.alertname,
        exp_alerts: each.found.map(({ labels, annotations }) => ({
          exp_labels: Object.fromEntries(Object.entries(labels).filter(([name]) => name !== 'alertname')),
          exp_annotations: annotations,
        })),
      })),
    }
  })
  assert.ok(firing > 150, `the cases are not about nothing: ${firing} times something fires`)
  const { file, left } = toPrometheusRules(parsed.rules)
  assert.deepEqual(left, [])
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(file))
  const write = (name: string, ruleFile: string, what: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify({ rule_files: [ruleFile], evaluation_interval: '1m', tests: what }))
    return path
  }
  const theirs = spawnSync(promtool, ['test', 'rules', write('theirs.yml', 'prometheus.yml', tests)], {
    encoding: 'utf8',
  })
  assert.equal(theirs.status, 0, theirs.stdout + theirs.stderr)
  // The same file, with only the name of the rules changed, is one of ours.
  const ours = await runRuleTestFile(write('ours.yml', 'rules.json', tests), 'ours.yml')
  assert.deepEqual(ours, {
    tests: promtoolCases.length,
    checks: promtoolCases.length * minutes,
    failures: [],
    problems: [],
  })
})
