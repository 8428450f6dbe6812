import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tokenRenewal } from './token-renewal.ts'

const table: [lifeMs: number, random: number, waitMs: number][] = [
  [7_200_000, 0, 6_900_000],
  [7_200_000, 0.5, 6_930_000],
  [600_000, 0.9, 300_000],
  [290_000, 0, 145_000],
  [2_000, 0.3, 1_000],
]
for (const [lifeMs, random, waitMs] of table) {
  test(`a token good for ${lifeMs} ms is renewed after ${waitMs} ms at a draw of ${random}`, () => {
    assert.equal(tokenRenewal(lifeMs, random), waitMs)
  })
}

test('there is always time left to try again', () => {
  const life = fc.integer({ min: 1, max: 86_400_000 })
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(life, draw, (lifeMs, random) => {
      const waitMs = tokenRenewal(lifeMs, random)
      assert.ok(waitMs > 0 && lifeMs - waitMs >= Math.min(lifeMs / 2, 240_000))
    }),
  )
})
