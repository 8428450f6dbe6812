import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../seeded-random.ts'
import { noEvidence, takeLook, takeStep, type ReleaseLook, type ReleasePair } from './rollout-evidence.ts'
import { judgeRollout } from './rollout-verdict.ts'

const rules = { falseAborts: 0.01, requestsMin: 200, stableErrorsMax: 0.05 }
const runs = 1_000
const looks = 400
const requests = 20
/** Of the requests at each site so many go to the canary. */
const shares = { east: 0.3, west: 0.05 }

/** Both are equal; each site is ill for ten looks now and then, a sixth of the time, and fails nine of ten requests then. */
function isSentBack(random: SeededRandom): boolean {
  let state = noEvidence
  const ill = { east: 0, west: 0 }
  for (let n = 1; n <= looks; n++) {
    const sites: Record<string, ReleasePair> = {}
    let [canary, stable] = [count(), count()]
    for (const site of ['east', 'west'] as const) {
      if (ill[site] > 0) ill[site]--
      else if (random.next() < 0.02) ill[site] = 10
      const pair = { canary: count(), stable: count() }
      for (let request = 0; request < requests; request++) {
        const to = random.next() < shares[site] ? pair.canary : pair.stable
        to.requests++
        if (random.next() < (ill[site] > 0 ? 0.9 : 0.005)) to.errors++
      }
      sites[site] = pair
      canary = sum(canary, pair.canary)
      stable = sum(stable, pair.stable)
    }
    state = takeLook(state, canary, stable, sites)
    if (n % 100 === 0) state = takeStep(state)
    if (judgeRollout(state, rules).kind === 'abort') return true
  }
  return false
}

test('sites that come and go, at which both stand unevenly, send an equal release back no oftener than is allowed', () => {
  let sentBack = 0
  for (let seed = 0; seed < runs; seed++) if (isSentBack(new SeededRandom(seed))) sentBack++
  assert.ok(sentBack <= runs * rules.falseAborts, `${sentBack} of ${runs}`)
})

function count(): { -readonly [K in keyof ReleaseLook]: ReleaseLook[K] } {
  return { requests: 0, errors: 0, slow: 0 }
}

function sum(a: ReleaseLook, b: ReleaseLook): ReturnType<typeof count> {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, slow: 0 }
}
