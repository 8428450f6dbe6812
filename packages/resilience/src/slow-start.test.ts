import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { slowStartFactor } from './slow-start.ts'

const table: [elapsedMs: number, aggression: number, factor: number][] = [
  [0, 1, 0.1],
  [-5, 1, 0.1],
  [5_000, 1, 0.1],
  [25_000, 1, 0.5],
  [25_000, 2, Math.SQRT1_2],
  [12_500, 2, 0.5],
  [50_000, 1, 1],
  [80_000, 1, 1],
]
for (const [elapsedMs, aggression, factor] of table) {
  test(`${elapsedMs} of 50000 ms with aggression ${aggression} -> ${factor.toFixed(3)}`, () => {
    assert.ok(Math.abs(slowStartFactor(elapsedMs, { windowMs: 50_000, aggression }) - factor) < 1e-12)
  })
}

test('the factor only grows and stays between its minimum and 1', () => {
  const options = fc.record({
    windowMs: fc.integer({ min: 1, max: 100_000 }),
    minWeightPercent: fc.nat(100),
    aggression: fc.integer({ min: 1, max: 10 }),
  })
  fc.assert(
    fc.property(options, fc.nat(120_000), fc.nat(10_000), (o, elapsedMs, more) => {
      const factor = slowStartFactor(elapsedMs, o)
      assert.ok(factor >= o.minWeightPercent / 100 && factor <= 1)
      assert.ok(slowStartFactor(elapsedMs + more, o) >= factor)
    }),
  )
})
