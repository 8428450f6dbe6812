import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SeededRandom } from '../seeded-random.ts'
import { evidence, newCoinTest, observe } from './coin-test.ts'
import {
  failsAlone,
  judgeRollout,
  noEvidence,
  takeLook,
  takeStep,
  type RolloutEvidence,
} from './rollout-verdict.ts'

const rules = { falseAborts: 0.01, requestsMin: 200, stableErrorsMax: 0.05 }
const look = (requests: number, errors = 0, slow = 0) => ({ requests, errors, slow })
const seen = (
  canary: [number, number, number?],
  stable: [number, number, number?],
  unusable = false,
): RolloutEvidence => takeLook(noEvidence, look(...canary), look(...stable), unusable)

const table: [name: string, seen: RolloutEvidence, verdict: string][] = [
  ['nothing at all', noEvidence, 'hold too-little-data'],
  ['no traffic of stable', seen([500, 0], [0, 0]), 'pass'],
  ['too few requests', seen([199, 1], [3_800, 19]), 'hold too-little-data'],
  ['as good as stable', seen([200, 1], [3_800, 19]), 'pass'],
  ['three of its first five fail, stable does not', seen([5, 3], [95, 0]), 'abort first-requests'],
  ['three of its first five fail, and so does stable', seen([5, 3], [95, 57]), 'hold stable-ill'],
  ['its first four fail, none of the few at stable', seen([4, 4], [5, 0]), 'abort first-requests'],
  ['its first four fail, and one of the few at stable', seen([4, 4], [9, 1]), 'hold too-little-data'],
  ['its first five fail, and one of ten at stable', seen([5, 5], [10, 1]), 'abort first-requests'],
  ['five fail and nobody knows how stable does', seen([5, 5], [0, 0]), 'hold too-little-data'],
  ['a shared outage', seen([500, 150], [9_500, 2_850]), 'hold stable-ill'],
  ['worse within a shared outage', seen([500, 450], [9_500, 2_850]), 'abort errors'],
  ['ten times the errors', seen([200, 10], [3_800, 19]), 'abort errors'],
  [
    '1.2 times the errors, in whatever number of requests',
    seen([1_000_000, 12_000], [1_000_000, 10_000]),
    'pass',
  ],
  ['twice the errors in few requests', seen([250, 5], [4_750, 38]), 'pass'],
  ['four times as many are slow', seen([400, 0, 80], [7_600, 0, 380]), 'abort latency'],
  ['perhaps slow', seen([400, 0, 40], [7_600, 0, 380]), 'hold suspicious'],
]
for (const [name, state, verdict] of table) {
  test(`${name} -> ${verdict}`, () => {
    const result = judgeRollout(state, rules)
    assert.equal(
      result.kind === 'pass' ? 'pass' : `${result.kind} ${result.cause}`,
      verdict,
      JSON.stringify(result),
    )
  })
}

test('endpoints that none can be asked for three looks send it back, for fewer not', () => {
  let state = noEvidence
  for (let looks = 1; looks <= 3; looks++) {
    state = takeLook(state, look(0), look(100), true)
    assert.equal(judgeRollout(state, rules).kind, looks === 3 ? 'abort' : 'hold')
  }
  assert.equal(
    judgeRollout(takeLook(takeLook(noEvidence, look(0), look(9), true), look(1), look(9), false), rules).kind,
    'hold',
  )
})

test('a step needs its own requests, and what turns bad late is found as soon as at the beginning', () => {
  let state = noEvidence
  for (let n = 0; n < 1_000; n++) state = takeLook(state, look(20), look(380, 2), false)
  assert.equal(judgeRollout(state, rules).kind, 'pass')
  state = takeStep(state)
  assert.equal(judgeRollout(state, rules).kind, 'hold')
  let requests = 0
  while (judgeRollout(state, rules).kind !== 'abort') {
    state = takeLook(state, look(1, 1), look(4), false)
    requests++
    assert.ok(requests <= 18, 'a canary that fails each request')
  }
})

test('evidence of equal releases has a mean of 1 at most, whatever the share, the rate and the looks', () => {
  // Exactly: all ways in which the hits of one look may fall, drawn without replacement.
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 24 }),
      (canary, stable, wanted) => {
        const hits = Math.min(wanted, canary + stable)
        let mean = 0
        for (let own = Math.max(0, hits - stable); own <= Math.min(canary, hits); own++) {
          const chance = (choose(canary, own) * choose(stable, hits - own)) / choose(canary + stable, hits)
          mean +=
            chance *
            evidence(
              observe(newCoinTest, { requests: canary, hits: own }, { requests: stable, hits: hits - own }),
            )
        }
        assert.ok(mean <= 1 + 1e-9, String(mean))
      },
    ),
  )
})

test('a canary that fails everything at 5 % is sent back within 5 of its requests', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = new SeededRandom(seed)
    let state = noEvidence
    while (judgeRollout(state, rules).kind !== 'abort') {
      const canary = random.next() < 0.05
      state = canary
        ? takeLook(state, look(1, 1), look(0), false)
        : takeLook(state, look(0), look(1, random.next() < 0.005 ? 1 : 0), false)
      assert.ok(state.canary.requests <= 5, `seed ${seed}`)
    }
  }
})

test('alone it is judged by what stable did before', () => {
  assert.equal(failsAlone(look(49, 49), look(10_000, 5)), false)
  assert.equal(failsAlone(look(100, 30), look(10_000, 50)), true)
  assert.equal(failsAlone(look(100, 30), look(10_000, 3_000)), false)
})

function choose(n: number, k: number): number {
  let ways = 1
  for (let i = 0; i < k; i++) ways = (ways * (n - i)) / (i + 1)
  return ways
}
