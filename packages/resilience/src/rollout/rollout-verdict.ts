import { beginAgain, evidence, newCoinTest, observe, type CoinTest, type Tally } from './coin-test.ts'

/** What one release did since the look before, over all gateways. */
export interface ReleaseLook {
  /** First attempts of requests. */
  readonly requests: number
  /** Of those, without an answer or answered 5xx. */
  readonly errors: number
  /** Of those with an answer, slower than the cut. */
  readonly slow: number
}

/** Both releases over the same time. */
interface Pair {
  readonly canary: ReleaseLook
  readonly stable: ReleaseLook
}

/** What there is to judge a release by, as plain JSON. */
export interface RolloutEvidence {
  readonly errors: CoinTest
  readonly latency: CoinTest
  /** What is too little for a comparison of its own yet: it waits for more. */
  readonly pending: Pair
  /** Since the rollout began. */
  readonly canary: ReleaseLook
  readonly stable: ReleaseLook
  /** Of the canary since its step began. */
  readonly stepRequests: number
  /** Looks one after the other in which none of its endpoints was usable. */
  readonly unusableLooks: number
}

/** How much is asked of a release. */
export interface VerdictRules {
  /** How often, at most, a release that is as good as stable is sent back: over the whole rollout, whoever looks how often. Default 0.01. */
  readonly falseAborts: number
  /** Canary requests that a step needs. */
  readonly requestsMin: number
  /** Stable itself fails more than this share: nothing is promoted. Default 0.05. */
  readonly stableErrorsMax: number
}

export type AbortCause =
  | 'errors'
  | 'latency'
  | 'unusable'
  | 'first-requests'
  | 'alone'
  | 'crashing'
  | 'analysis'
export type HoldCause =
  | 'too-little-data'
  | 'stable-ill'
  | 'suspicious'
  | 'analysis-silent'
  | 'analysis-outside'

/** What is to become of the release, with the numbers that say so. */
export type RolloutVerdict =
  | { readonly kind: 'abort'; readonly cause: AbortCause; readonly numbers: VerdictNumbers }
  | { readonly kind: 'hold'; readonly cause: HoldCause; readonly numbers: VerdictNumbers }
  | { readonly kind: 'pass'; readonly numbers: VerdictNumbers }

/** Everything that is printed with a verdict. */
export interface VerdictNumbers {
  readonly canaryRequests: number
  readonly canaryErrors: number
  readonly stableRequests: number
  readonly stableErrors: number
  readonly canarySlow: number
  readonly stableSlow: number
  /** E-values: how many times likelier what was seen is with a worse release. */
  readonly errorEvidence: number
  readonly latencyEvidence: number
  /** From here on the release is sent back. */
  readonly errorEvidenceMax: number
  readonly latencyEvidenceMax: number
  /** How often the endpoint or process of each that began anew most often has done so within five minutes; absent: nobody looked. */
  readonly canaryCrashes?: number
  readonly stableCrashes?: number
}

const nobody: ReleaseLook = { requests: 0, errors: 0, slow: 0 }
const nothing: Pair = { canary: nobody, stable: nobody }
/** Where one request stands alone, how often a release is asked is not to be seen. Found by simulation: fewer lose evidence, more lose time. */
const comparedMin = 30

/** A rollout begins. */
export const noEvidence: RolloutEvidence = {
  errors: newCoinTest,
  latency: newCoinTest,
  pending: nothing,
  canary: nobody,
  stable: nobody,
  stepRequests: 0,
  unusableLooks: 0,
}

/** Takes what both releases did over the same time. `unusable`: the canary has no endpoint that could be asked. */
export function takeLook(
  before: RolloutEvidence,
  canary: ReleaseLook,
  stable: ReleaseLook,
  unusable: boolean,
): RolloutEvidence {
  const pending = { canary: sum(before.pending.canary, canary), stable: sum(before.pending.stable, stable) }
  const enough = pending.canary.requests + pending.stable.requests >= comparedMin
  const both = pending.canary.requests > 0 && pending.stable.requests > 0
  return {
    ...(enough && both ? compared(before, pending) : { ...before, pending }),
    canary: sum(before.canary, canary),
    stable: sum(before.stable, stable),
    stepRequests: before.stepRequests + canary.requests,
    unusableLooks: unusable ? before.unusableLooks + 1 : 0,
  }
}

/** The same with a larger share: what turned bad only now is found as soon as if it had just begun. */
export function takeStep(before: RolloutEvidence): RolloutEvidence {
  const { errors, latency, ...seen } = compared(before, before.pending)
  return { ...seen, errors: beginAgain(errors), latency: beginAgain(latency), stepRequests: 0 }
}

function compared(before: RolloutEvidence, { canary, stable }: Pair): RolloutEvidence {
  const failed = ({ requests, errors }: ReleaseLook): Tally => ({ requests, hits: errors })
  // One that fails is not slow: each is counted against a release once.
  const late = ({ requests, errors, slow }: ReleaseLook): Tally => ({
    requests: requests - errors,
    hits: slow,
  })
  return {
    ...before,
    errors: observe(before.errors, failed(canary), failed(stable)),
    latency: observe(before.latency, late(canary), late(stable)),
    pending: nothing,
  }
}

/**
 * Judges a release by what it and stable did at the same time.
 *
 * Too little data holds: it neither promotes nor sends back. What happens to both is nobody’s fault.
 */
export function judgeRollout(seen: RolloutEvidence, rules: VerdictRules): RolloutVerdict {
  const numbers = numbersOf(seen, rules)
  const cause = abortCause(seen, numbers)
  if (cause !== null) return { kind: 'abort', cause, numbers }
  const { stable } = seen
  if (stable.errors > rules.stableErrorsMax * stable.requests && stable.requests >= stableRequestsMin)
    return { kind: 'hold', cause: 'stable-ill', numbers }
  if (Math.max(numbers.errorEvidence, numbers.latencyEvidence) >= suspicion)
    return { kind: 'hold', cause: 'suspicious', numbers }
  if (seen.stepRequests < rules.requestsMin) return { kind: 'hold', cause: 'too-little-data', numbers }
  return { kind: 'pass', numbers }
}

/** Of the false aborts that are allowed: what is for errors; the rest is for latency, where a mistake can wait. */
const errorPart = 0.8
/** Ten times likelier with a worse release: no reason to send it back, but none to give it more either. */
const suspicion = 10
/** Of fewer requests nothing is said of stable. */
const stableRequestsMin = 20
/** Its endpoints were not usable in so many looks: one may be a restart. */
const unusableLooksMax = 3
/** Three of the first five. */
const firstRequests = 5
const firstErrorsMin = 3
/** All of so many fail, and none of as many as five at stable: in an outage of a third of both, one start in seven hundred. */
const allFailMin = 4
/** With all of the first five: so many of stable. */
const besideMin = 3
/** Stable is well enough for that to say something. */
const firstStableErrorsMax = 0.1
/** With all requests there is nobody to compare with: then only what stable never did counts. */
const aloneRequestsMin = 50
const aloneErrorsMin = 0.2

function abortCause(seen: RolloutEvidence, numbers: VerdictNumbers): AbortCause | null {
  const { canary, stable } = seen
  if (seen.unusableLooks >= unusableLooksMax) return 'unusable'
  if (failsAtOnce(canary, stable)) return 'first-requests'
  if (numbers.errorEvidence >= numbers.errorEvidenceMax) return 'errors'
  if (numbers.latencyEvidence >= numbers.latencyEvidenceMax) return 'latency'
  return null
}

/** What needs no statistics, and comes before there is enough for a comparison. */
function failsAtOnce(canary: ReleaseLook, stable: ReleaseLook): boolean {
  if (canary.requests > firstRequests) return false
  const well = stable.errors <= firstStableErrorsMax * stable.requests
  if (canary.errors >= firstErrorsMin && well && stable.requests >= stableRequestsMin) return true
  if (canary.errors < canary.requests || stable.requests < besideMin) return false
  if (canary.requests === firstRequests) return well
  return canary.requests >= allFailMin && stable.errors === 0 && stable.requests >= firstRequests
}

/** For looks without any request of stable: whether the release fails as stable never did before it had everything. */
export function failsAlone(look: ReleaseLook, stable: ReleaseLook): boolean {
  if (look.requests < aloneRequestsMin) return false
  const share = look.errors / look.requests
  return share >= aloneErrorsMin && share * stable.requests >= 10 * stable.errors
}

function numbersOf(seen: RolloutEvidence, { falseAborts }: VerdictRules): VerdictNumbers {
  return {
    canaryRequests: seen.canary.requests,
    canaryErrors: seen.canary.errors,
    stableRequests: seen.stable.requests,
    stableErrors: seen.stable.errors,
    canarySlow: seen.canary.slow,
    stableSlow: seen.stable.slow,
    errorEvidence: rounded(evidence(seen.errors)),
    latencyEvidence: rounded(evidence(seen.latency)),
    errorEvidenceMax: rounded(1 / (errorPart * falseAborts)),
    latencyEvidenceMax: rounded(1 / ((1 - errorPart) * falseAborts)),
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

function sum(a: ReleaseLook, b: ReleaseLook): ReleaseLook {
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, slow: a.slow + b.slow }
}
