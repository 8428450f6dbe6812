/** Requests of one release in one look, and those among them that went wrong: failed, or slow. */
export interface Tally {
  readonly requests: number
  readonly hits: number
}

/**
 * A sequential test of whether a release does worse than stable beside it, as plain JSON: logarithms of likelihood ratios, by
 * when each was begun and by how much worse it supposes the release to be.
 */
export type CoinTest = readonly (readonly number[])[]

/** How many times as often something goes wrong with a release that is worse, and how much each is believed beforehand. */
const worse = [
  { ratio: 1.5, weight: 0.1 },
  { ratio: 3, weight: 0.2 },
  { ratio: 6, weight: 0.25 },
  { ratio: 12, weight: 0.25 },
  { ratio: 30, weight: 0.2 },
] as const

/** Of the test that begins with the rollout: most bad releases are bad from the start. */
const firstWeight = 0.9

const begun: readonly number[] = worse.map(() => 0)

/** A test that knows nothing yet. */
export const newCoinTest: CoinTest = [begun]

/**
 * Begins again beside what runs, for a release that was well and turned bad later. What was begun later counts less, so that the
 * test as a whole keeps its level.
 */
export function beginAgain(test: CoinTest): CoinTest {
  return [...test, begun]
}

/** Below this what a test has seen speaks so much for equality that what turns bad now is not found in time. */
const numbBelow = 0.01
/** Each test that is begun has half the weight of the one before: some are left for later steps. */
const begunMax = 8

/**
 * After an outage of both, once it is over: whatever failed then fell on both alike and outweighs whatever may fail on one of them from
 * now on. Begins again where that is so. Whether it does depends on what was seen alone, so that the test keeps its level.
 */
export function afterOutage(test: CoinTest): CoinTest {
  const isNumb = meanOf(test.at(-1)!) < numbBelow
  return isNumb && test.length < begunMax ? beginAgain(test) : test
}

/**
 * Takes one look at both releases over the same time.
 *
 * Whatever goes wrong is a coin: with equal releases it falls on the canary as often as requests do, p = n / (n + m), however
 * often things go wrong at that time. That is why an outage of both says nothing against the canary. A canary r times as
 * bad would have it fall there with q = rp / (rp + 1 − p); the ratio of the two likelihoods is multiplied up. Under equality its mean never
 * rises (a look takes its requests without replacement, which only makes it fall: Hoeffding 1963, theorem 4), so by Ville’s
 * inequality it ever reaches 1/α with a probability of at most α: one may look after every request and stop at any time.
 * After Lindon et al., "Anytime-Valid Inference for Multinomial Count Data" (2022).
 */
export function observe(test: CoinTest, canary: Tally, stable: Tally): CoinTest {
  const requests = canary.requests + stable.requests
  if (canary.requests <= 0 || stable.requests <= 0 || canary.hits + stable.hits === 0) return test
  const p = canary.requests / requests
  const steps = worse.map(({ ratio }) => {
    const q = (ratio * p) / (ratio * p + 1 - p)
    return canary.hits * Math.log(q / p) + stable.hits * Math.log((1 - q) / (1 - p))
  })
  return test.map((row) => row.map((sum, index) => sum + steps[index]!))
}

/**
 * How much more likely what was seen is with a worse release than with an equal one: the mean over all that is supposed. One
 * that is less than 1.23 times as bad never gets there, however many requests it has: that much worse is no worse.
 */
export function evidence(test: CoinTest): number {
  let total = 0
  // What is kept for tests that have not begun yet stands at 1, as they do when they begin.
  let kept = 1
  for (const [age, row] of test.entries()) {
    const weight = age === 0 ? firstWeight : kept / 2
    kept -= weight
    total += weight * meanOf(row)
  }
  return total + kept
}

function meanOf(row: readonly number[]): number {
  return row.reduce((mean, sum, index) => mean + worse[index]!.weight * Math.exp(Math.min(sum, 700)), 0)
}
