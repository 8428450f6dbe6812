import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseRate } from './response-rate.ts'

function count(verdicts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const verdict of verdicts) counts[verdict] = (counts[verdict] ?? 0) + 1
  return counts
}

test('a second’s worth at once, then as many as come back; every second one beyond is a slip', () => {
  const rate = new ResponseRate({ perSecond: 10, slip: 2 }, 7)
  const burst = Array.from({ length: 30 }, () => rate.take(1, 0))
  assert.deepEqual(count(burst), { send: 10, drop: 10, slip: 10 })
  assert.deepEqual(count(Array.from({ length: 10 }, () => rate.take(1, 500))), { send: 5, drop: 3, slip: 2 })
  assert.equal(rate.take(1, 60_000), 'send')
})

test('without slip all beyond is dropped', () => {
  const rate = new ResponseRate({ perSecond: 1, slip: 0 }, 7)
  assert.deepEqual(count(Array.from({ length: 5 }, () => rate.take(1, 0))), { send: 1, drop: 4 })
})

test('networks do not count for each other, also where they share a place', () => {
  const rate = new ResponseRate({ perSecond: 1, slip: 0, slots: 2 }, 7)
  for (let network = 0; network < 100; network++) assert.equal(rate.take(network, 0), 'send')
})

test('at the rate itself nothing is refused', () => {
  const rate = new ResponseRate({ perSecond: 200, slip: 2 }, 7)
  for (let now = 0; now < 20_000; now += 5) assert.equal(rate.take(3, now), 'send')
})
