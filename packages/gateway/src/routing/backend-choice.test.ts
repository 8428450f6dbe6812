import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '@budao/resilience'
import * as fc from 'fast-check'
import { chooseBackend } from './backend-choice.ts'

const table: [weights: number[], u: number, index: number][] = [
  [[100], 0.5, 0],
  [[0], 0.5, -1],
  [[], 0.5, -1],
  [[0, 0], 0.5, -1],
  [[90, 10], 0, 0],
  [[90, 10], 0.899, 0],
  [[90, 10], 0.9, 1],
  [[1, 2, 1], 0.25, 1],
  [[1, 2, 1], 0.75, 2],
  [[0, 5, 0], 0, 1],
  [[5, 0], 0.999_999_999_999_999_9, 0],
]
for (const [weights, u, index] of table) {
  test(`weights ${JSON.stringify(weights)} at ${u} -> ${index}`, () => {
    assert.equal(
      chooseBackend(
        weights.map((weight) => ({ weight })),
        u,
      ),
      index,
    )
  })
}

test('the share of each backend is its weight', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 6 }), (weights) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const hits = weights.map(() => 0)
      const backends = weights.map((weight) => ({ weight }))
      for (let slot = 0; slot < total; slot++) {
        const index = chooseBackend(backends, (slot + 0.5) / total)
        hits[index] = (hits[index] ?? Number.NaN) + 1
      }
      assert.deepEqual(hits, weights)
    }),
  )
})

for (const weights of [
  [9_999, 1],
  [9_500, 500],
  [7_000, 2_000, 900, 100],
]) {
  test(`${weights.join(' : ')} of 10 000 are drawn as basis points, to the point`, () => {
    const backends = weights.map((weight) => ({ weight }))
    const hits = weights.map(() => 0)
    for (let point = 0; point < 10_000; point++)
      for (const within of [0, 0.5, 0.999_999]) hits[chooseBackend(backends, (point + within) / 10_000)]!++
    assert.deepEqual(
      hits,
      weights.map((weight) => weight * 3),
    )
  })
}

test('0.01 % of draws at random is 0.01 %', () => {
  const random = new SeededRandom(7)
  const backends = [{ weight: 9_999 }, { weight: 0 }, { weight: 1 }]
  const hits = [0, 0, 0]
  for (let i = 0; i < 1_000_000; i++) hits[chooseBackend(backends, random.next())]!++
  assert.equal(hits[1], 0)
  // 100 are expected; 50 is five standard deviations.
  assert.ok(hits[2]! >= 50 && hits[2]! <= 150, String(hits[2]))
})
