import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SeededRandom } from '../seeded-random.ts'
import { evidence, newCoinTest, observe } from './coin-test.ts'
import { noEvidence, takeLook, takeStep, type RolloutEvidence } from './rollout-evidence.ts'
import { failsAlone, judgeRollout } from './rollout-verdict.ts'

const rules = { falseAborts: 0.01, requestsMin: 200, stableErrorsMax: 0.05 }
const look = (requests: number, errors = 0, slow = 0) => ({ requests, errors, slow })
const seen = (canary: [number, number, number?], stable: [number, number, number?]): RolloutEvidence =>
  takeLook(noEvidence, look(...canary), look(...stable))

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

type AtSite = readonly [canary: number, canaryErrors: number, stable: number, stableErrors: number]

/** One look at both at two sites. */
const sited = (before: RolloutEvidence, east: AtSite, west: AtSite): RolloutEvidence => {
  const pair = ([canary, canaryErrors, stable, stableErrors]: AtSite) => ({
    canary: look(canary, canaryErrors),
    stable: look(stable, stableErrors),
  })
  const [canary, canaryErrors, stable, stableErrors] = east.map((number, index) => number + west[index]!)
  const sites = { east: pair(east), west: pair(west) }
  return takeLook(before, look(canary!, canaryErrors), look(stable!, stableErrors), sites)
}
const causeOf = (state: RolloutEvidence): string => {
  const verdict = judgeRollout(state, rules)
  return verdict.kind === 'pass' ? 'pass' : verdict.cause
}
/** How many of such looks it takes until it goes back for its errors; 100 where it does not. */
const looksUntilErrors = (before: RolloutEvidence, east: AtSite, west: AtSite): number => {
  let state = before
  for (let looks = 1; looks < 100; looks++) {
    state = sited(state, east, west)
    if (causeOf(state) === 'errors') return looks
  }
  return 100
}

test('a site that is lost is nobody’s fault, however unevenly both stand at it', () => {
  let state = noEvidence
  for (let n = 0; n < 50; n++) state = sited(state, [20, 0, 20, 0], [1, 0, 200, 1])
  assert.equal(causeOf(state), 'pass')
  // Nineteen of twenty of the canary are lost, and one of eleven of stable.
  assert.equal(looksUntilErrors(state, [20, 20, 20, 20], [1, 0, 200, 1]), 100)
  // Taken together it would be called bad.
  assert.equal(causeOf(takeLook(noEvidence, look(2_100, 2_000), look(22_000, 2_100))), 'errors')
})

test('what is worse than stable at the site that is left goes back, during an outage and after it', () => {
  const alone = looksUntilErrors(noEvidence, [0, 0, 0, 0], [3, 3, 27, 0])
  assert.ok(alone <= 2, `${alone}`)
  const during = looksUntilErrors(noEvidence, [15, 15, 15, 15], [3, 3, 27, 0])
  assert.ok(during <= 3, `${during}`)
  let state = noEvidence
  for (let n = 0; n < 20; n++) state = sited(state, [15, 15, 15, 15], [3, 0, 27, 0])
  for (let n = 0; n < 5; n++) state = sited(state, [15, 0, 15, 0], [3, 0, 27, 0])
  const after = looksUntilErrors(state, [15, 5, 15, 0], [3, 0, 27, 0])
  assert.ok(after <= 5, `${after}`)
})

test('endpoints that are taken out after three failures each, at many gateways, are no evidence while a site is lost', () => {
  // What a gateway saw of the site until it knew: well at first, then three failures of each.
  const last = { canary: look(4, 3), stable: look(26, 3) }
  const lose = (isKnown: boolean): RolloutEvidence => {
    let state = noEvidence
    for (let gateway = 0; gateway < 10; gateway++) {
      // One of the canary’s has failed in the look before, and waits to be compared.
      state = sited(state, [1, 1, 20, 0], [2, 0, 38, 0])
      state = isKnown
        ? takeLook(state, last.canary, last.stable, {}, { look: last, began: ['east'] })
        : sited(state, [4, 3, 26, 3], [0, 0, 0, 0])
    }
    return state
  }
  assert.equal(causeOf(lose(true)), 'too-little-data')
  assert.equal(causeOf(lose(false)), 'errors')
})

test('stable was ill: it goes on once stable is well again, however long that took', () => {
  let state = noEvidence
  for (let n = 0; n < 100; n++) state = sited(state, [10, 10, 90, 90], [10, 0, 90, 0])
  assert.equal(causeOf(state), 'stable-ill')
  for (let n = 0; n < 20; n++) state = sited(state, [0, 0, 0, 0], [20, 0, 180, 0])
  assert.equal(causeOf(state), 'pass')
})

test('the first requests are held against those of stable at the same site', () => {
  assert.equal(causeOf(sited(noEvidence, [4, 4, 20, 20], [0, 0, 500, 0])), 'too-little-data')
  assert.equal(causeOf(sited(noEvidence, [4, 4, 20, 0], [0, 0, 500, 0])), 'first-requests')
})

test('what the canary does while stable is not asked at its site is not held against it later', () => {
  let state = noEvidence
  for (let n = 0; n < 10; n++) state = sited(state, [1, 1, 0, 0], [9, 0, 99, 0])
  for (let n = 0; n < 30; n++) state = sited(state, [0, 0, 0, 0], [9, 0, 99, 0])
  assert.equal(looksUntilErrors(state, [9, 0, 99, 0], [9, 0, 99, 0]), 100)
})

test('an outage of all at one site numbs nothing: what turns bad after it is found as soon as before it', () => {
  let state = noEvidence
  for (let n = 0; n < 20; n++) state = takeLook(state, look(20, 10), look(380, 190))
  for (let n = 0; n < 20; n++) state = takeLook(state, look(20), look(380, 1))
  let requests = 0
  while (causeOf(state) !== 'errors') {
    state = takeLook(state, look(20, 4), look(380, 1))
    requests += 20
    assert.ok(requests <= 60, `${requests}`)
  }
})

test('a step needs its own requests, and what turns bad late is found as soon as at the beginning', () => {
  let state = noEvidence
  for (let n = 0; n < 1_000; n++) state = takeLook(state, look(20), look(380, 2))
  assert.equal(judgeRollout(state, rules).kind, 'pass')
  state = takeStep(state)
  assert.equal(judgeRollout(state, rules).kind, 'hold')
  let requests = 0
  while (judgeRollout(state, rules).kind !== 'abort') {
    state = takeLook(state, look(1, 1), look(4))
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
        ? takeLook(state, look(1, 1), look(0))
        : takeLook(state, look(0), look(1, random.next() < 0.005 ? 1 : 0))
      assert.ok(state.canary.requests <= 5, `seed ${seed}`)
    }
  }
})

test('alone it is judged by what stable did before, and by the sites at which it is well', () => {
  assert.equal(failsAlone(look(49, 49), look(10_000, 5)), false)
  assert.equal(failsAlone(look(100, 30), look(10_000, 50)), true)
  assert.equal(failsAlone(look(100, 30), look(10_000, 3_000)), false)
  assert.equal(failsAlone(look(100, 60), look(10_000, 5), [look(60, 60), look(40)]), false)
  assert.equal(failsAlone(look(100, 60), look(10_000, 5), [look(60, 60), look(40, 20)]), true)
  assert.equal(failsAlone(look(100, 60), look(10_000, 5), [look(100, 60), look(0)]), true)
})

function choose(n: number, k: number): number {
  let ways = 1
  for (let i = 0; i < k; i++) ways = (ways * (n - i)) / (i + 1)
  return ways
}
