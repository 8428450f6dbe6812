import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hash32 } from './hash.ts'
import { stickyChoice } from './sticky-choice.ts'

const names = ['stable', 'canary', 'third', 'fourth']
const seeds = names.map((name) => hash32(name))
const keysOf = (count: number, seed = 0): number[] =>
  Array.from({ length: count }, (_, n) => hash32(`user-${n}`, seed))

function shares(weights: readonly number[], keys: readonly number[]): number[] {
  const counts = weights.map(() => 0)
  for (const key of keys) counts[stickyChoice(weights, seeds, key)]!++
  return counts
}

for (const weights of [
  [9_999, 1],
  [9_990, 10],
  [9_900, 100],
  [1, 9_999],
  [5_000, 5_000],
  [3_333, 3_333, 3_334],
  [1, 2, 3, 4],
  [8_000, 0, 1_999, 1],
]) {
  test(`shares of ${weights.join(' : ')} are those of the weights, down to 0.01 %`, () => {
    // So many that 0.01 % of them can be told from nothing.
    const count = weights.includes(1) ? 1_000_000 : 100_000
    const sum = weights.reduce((a, b) => a + b, 0)
    for (const [index, got] of shares(weights, keysOf(count)).entries()) {
      const share = weights[index]! / sum
      // Five standard deviations of a binomial count, which one of 20 000 such tests would miss by chance.
      const tolerance = 5 * Math.sqrt(count * share * (1 - share))
      assert.ok(Math.abs(got - count * share) <= tolerance, `${index}: ${got} of ${count * share}`)
      if (share === 0) assert.equal(got, 0)
    }
  })
}

const weight = fc.integer({ min: 0, max: 10_000 })

test('raising a weight brings keys there, takes none away, and moves nobody else', () => {
  fc.assert(
    fc.property(
      fc.tuple(weight, weight, weight, weight),
      fc.nat(3),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer(),
      (weights, raised, more, seed) => {
        const after = weights.map((each, index) => (index === raised ? each + more : each))
        for (const key of keysOf(50, seed)) {
          const [was, is] = [stickyChoice(weights, seeds, key), stickyChoice(after, seeds, key)]
          assert.ok(is === was || is === raised, `${was} → ${is}`)
        }
      },
    ),
  )
})

test('one taken from the others is a rollout that nobody is rolled back in', () => {
  fc.assert(
    fc.property(fc.array(weight, { minLength: 2, maxLength: 6 }), fc.integer(), (steps, seed) => {
      const keys = keysOf(50, seed)
      let onCanary = new Set<number>()
      for (const canary of steps.toSorted((a, b) => a - b)) {
        const now = new Set(keys.filter((key) => stickyChoice([10_000 - canary, canary], seeds, key) === 1))
        assert.deepEqual(
          [...onCanary].filter((key) => !now.has(key)),
          [],
        )
        onCanary = now
      }
    }),
  )
})

test('what counts is the place, not where it stands or what the sum is', () => {
  fc.assert(
    fc.property(weight, weight, fc.integer({ min: 1, max: 100 }), fc.integer(), (a, b, times, key) => {
      const one = stickyChoice([a, b], seeds, key)
      assert.equal(stickyChoice([a * times, b * times], seeds, key), one)
      const swapped = stickyChoice([b, a], [seeds[1]!, seeds[0]!], key)
      assert.equal(swapped === -1 ? -1 : 1 - swapped, one)
    }),
  )
})

test('no weight, no place', () => {
  assert.equal(stickyChoice([], [], 1), -1)
  assert.equal(stickyChoice([0, 0], seeds, 1), -1)
  for (const key of keysOf(100)) assert.equal(stickyChoice([0, 1], seeds, key), 1)
})
