import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome, Sample } from '../packages/budao/src/drill/load.ts'
import { summarize } from './load-summary.ts'

test('failures by kind; the longest gap is between answers, whatever fails in it', () => {
  const summary = summarize([
    sample(0, 10, 'ok'),
    sample(20, 25, 'reset'),
    sample(10, 40, 'status 503'),
    sample(30, 60, 'status 503'),
    sample(5, 110, 'degraded'),
    sample(100, 120, 'ok'),
  ])
  assert.deepEqual(summary, {
    sent: 6,
    ok: 2,
    degraded: 1,
    failed: 3,
    failures: { reset: 1, 'status 503': 2 },
    p50Ms: 20,
    p99Ms: 105,
    maxMs: 105,
    longestGapMs: 100,
  })
})

function sample(dueMs: number, endMs: number, outcome: Outcome): Sample {
  return { dueMs, endMs, outcome }
}
