import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  judgeAnalyses,
  notMeasured,
  takeMeasurement,
  type AnalysisRules,
  type AnalysisState,
  type Measured,
} from './analysis.ts'

const rules: AnalysisRules = { min: 0.9, ofStable: { min: 0.95 }, interval: 1_000, failures: 1 }
const value = (of: number, stable: number | null = 1, holds = false): Measured => ({
  kind: 'value',
  value: of,
  stable,
  holds,
})
const nothing: Measured = { kind: 'nothing', why: 'nobody answered' }

const table: [what: string, measured: readonly Measured[], verdict: string, why: RegExp][] = [
  ['nothing was asked yet', [], 'analysis-silent', /paid: not measured at this step yet/],
  ['within', [value(0.99)], 'pass', /^$/],
  ['both ends are within', [value(0.95)], 'pass', /^$/],
  ['outside once', [value(0.8)], 'analysis-outside', /paid is 0.8, at least 0.9 is asked/],
  ['outside, then within', [value(0.8), value(0.99)], 'pass', /^$/],
  ['outside twice', [value(0.8), value(0.99), value(0.7)], 'abort', /paid is 0.7.*: 2 measurements outside/],
  ['less than stable', [value(0.91)], 'analysis-outside', /is 0.91 of what it is for stable, at least 0.95/],
  ['stable has none', [value(0.99, null)], 'analysis-silent', /no number of stable/],
  ['stable has nothing', [value(0.99, 0)], 'analysis-silent', /no number of stable/],
  ['a condition holds', [value(0.99, 1, true)], 'analysis-outside', /which its condition forbids/],
  ['no answer', [value(0.99), nothing], 'analysis-silent', /nobody answered/],
  ['no answer, ten times: never back', Array.from({ length: 10 }, () => nothing), 'analysis-silent', /nob/],
]
for (const [what, measured, verdict, why] of table) {
  test(`${what}: ${verdict}`, () => {
    let state: AnalysisState = notMeasured
    for (const each of measured) state = takeMeasurement(state, each, rules, 5_000)
    const judged = judgeAnalyses({ paid: state }, { paid: rules }, 5_500)
    assert.equal(judged.kind === 'hold' ? judged.cause : judged.kind, verdict)
    assert.match(judged.kind === 'pass' ? '' : judged.why, why)
  })
}

test('a measurement of long ago says nothing, and one outside counts before one that is silent', () => {
  const well = takeMeasurement(notMeasured, value(1), rules, 0)
  assert.equal(judgeAnalyses({ paid: well }, { paid: rules }, 3_000).kind, 'pass')
  const late = judgeAnalyses({ paid: well }, { paid: rules }, 3_001)
  assert.ok(late.kind === 'hold' && /not measured lately/.test(late.why))
  const bad = takeMeasurement(notMeasured, value(0), rules, 3_000)
  const both = judgeAnalyses({ bad }, { asked: rules, bad: rules }, 3_001)
  assert.ok(both.kind === 'hold' && both.cause === 'analysis-outside')
})
