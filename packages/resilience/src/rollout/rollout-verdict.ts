import { besides, evidenceOf, type ReleaseLook, type RolloutEvidence } from './rollout-evidence.ts'

/** How much is asked of a release. */
export interface VerdictRules {
  /** How often, at most, a release that is as good as stable is sent back: over the whole rollout, whoever looks how often. Default 0.01. */
  readonly falseAborts: number
  /** Canary requests that a step needs. */
  readonly requestsMin: number
  /** Stable itself fails more than this share of late: nothing is promoted. Default 0.05. */
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
  | 'unusable'
  | 'site-lost'
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

/**
 * Judges a release by what it and stable did at the same time.
 *
 * Too little data holds: it neither promotes nor sends back. What happens to both is nobody’s fault.
 */
export function judgeRollout(seen: RolloutEvidence, rules: VerdictRules): RolloutVerdict {
  const numbers = numbersOf(seen, rules)
  const cause = abortCause(seen, numbers)
  if (cause !== null) return { kind: 'abort', cause, numbers }
  const stable = seen.stableLately
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
  if (failsAtOnce(seen.canary, besides(seen))) return 'first-requests'
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

/**
 * For looks without any request of stable: whether the release fails as stable never did before it had everything. At a site where it
 * is well it is the same release: what fails then is another site. `sites`: what it did at each in that look.
 */
export function failsAlone(
  look: ReleaseLook,
  stable: ReleaseLook,
  sites: readonly ReleaseLook[] = [],
): boolean {
  if (look.requests < aloneRequestsMin) return false
  const share = look.errors / look.requests
  if (sites.some(({ requests, errors }) => requests > 0 && errors < aloneErrorsMin * requests)) return false
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
    errorEvidence: rounded(evidenceOf(seen, 'errors')),
    latencyEvidence: rounded(evidenceOf(seen, 'latency')),
    errorEvidenceMax: rounded(1 / (errorPart * falseAborts)),
    latencyEvidenceMax: rounded(1 / ((1 - errorPart) * falseAborts)),
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
