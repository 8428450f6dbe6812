import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TrafficCounters } from './traffic-counters.ts'

test('each thread counts in its own row, and the sum is read', () => {
  const floats = new Float64Array(TrafficCounters.floatsFor(2))
  const [a, b] = [new TrafficCounters(floats, 0), new TrafficCounters(floats, 1)]
  a.end('success', 0.4)
  a.end('failure', 3)
  b.end('success', 60_000)
  b.add('cancelled')
  a.set('open', 3)
  b.set('open', 2)
  for (const reader of [a, b]) {
    assert.deepEqual(
      (['success', 'failure', 'cancelled', 'open', 'durationMs'] as const).map((field) => reader.sum(field)),
      [2, 1, 1, 5, 60_003.4],
    )
    assert.deepEqual(
      reader.buckets().flatMap((count, bucket) => (count > 0 ? [[bucket, count]] : [])),
      [
        [0, 1],
        [2, 1],
        [13, 1],
      ],
    )
  }
  a.forgetGauges(1)
  assert.equal(b.sum('open'), 3)
  assert.equal(b.sum('success'), 2)
})
