import assert from 'node:assert/strict'
import { test } from 'node:test'
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
