import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LocalCells } from './cells.ts'
import { LatencyHistogram } from './latency-histogram.ts'
import { LatencyQuantile } from './latency-quantile.ts'
import { SeededRandom } from './seeded-random.ts'

/** A bucket is 9 % wide. */
function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual / expected - 1) < 0.1, `expected about ${expected}, got ${actual}`)
}

test('a quantile is right to within a bucket, whatever the latencies', () => {
  const latencies = fc.array(fc.double({ min: 0.1, max: 100_000, noNaN: true }), {
    minLength: 1,
    maxLength: 500,
  })
  fc.assert(
    fc.property(latencies, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (values, share) => {
      const histogram = new LatencyHistogram(new LocalCells(LatencyHistogram.cellsFor()))
      for (const value of values) histogram.add(value)
      const sorted = values.toSorted((a, b) => a - b)
      assertNear(histogram.quantileMs(share), sorted[Math.ceil(share * values.length) - 1]!)
      histogram.clear()
      assert.equal(histogram.quantileMs(share), 0)
    }),
  )
})

test('latencies beyond the buckets are counted in the outermost', () => {
  const histogram = new LatencyHistogram(new LocalCells(LatencyHistogram.cellsFor()))
  histogram.add(0)
  assert.ok(histogram.quantileMs(1) < 0.1)
  histogram.add(1e9)
  assert.ok(histogram.quantileMs(1) > 100_000)
})

test('there is no value before a window is complete, and each window is on its own', () => {
  const quantile = new LatencyQuantile(new LocalCells(LatencyQuantile.cellsFor()), { share: 0.95 })
  const random = new SeededRandom(7)
  for (let i = 0; i < 999; i++) quantile.observe(100 * random.next(), i)
  assert.equal(quantile.valueMs, Infinity)
  quantile.observe(1, 999)
  assertNear(quantile.valueMs, 95)
  for (let i = 0; i < 1_000; i++) quantile.observe(10 * random.next(), 1_000 + i)
  assertNear(quantile.valueMs, 9.5)
})

test('with little traffic a window ends by time, but not on a handful of samples', () => {
  const quantile = new LatencyQuantile(new LocalCells(LatencyQuantile.cellsFor()), { share: 0.5 })
  for (let i = 0; i < 99; i++) quantile.observe(20, i * 1_000)
  assert.equal(quantile.valueMs, Infinity)
  quantile.observe(20, 100_000)
  assertNear(quantile.valueMs, 20)
})

test('a share that is none is refused', () => {
  for (const share of [0, 1, 95, Number.NaN])
    assert.throws(() => new LatencyQuantile(new LocalCells(LatencyQuantile.cellsFor()), { share }), /share/)
})
