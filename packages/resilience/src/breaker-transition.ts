/**
 * What leads from one to the next:
 * closed → open: a rate over the window reaches its threshold;
 * open → half-open: the sleep is over and a call comes, which is the first trial;
 * half-open → closed: the trials succeed, and the window starts empty;
 * half-open → open: the trials fail, and the sleep starts again;
 * any → forced-open, forced-closed, and from there → closed: a person.
 */
export type BreakerState = 'closed' | 'open' | 'half-open' | 'forced-open' | 'forced-closed'

/** Why a breaker changed; `forced` for a person's doing, in both directions. */
export type BreakerReason =
  | 'error-rate'
  | 'slow-rate'
  | 'sleep-over'
  | 'trials-succeeded'
  | 'trials-failed'
  | 'trial-hung'
  | 'forced'

/** Results by kind. A call may be both failed and slow. */
export interface BreakerCounts {
  readonly calls: number
  readonly failures: number
  readonly slow: number
}

/** The numbers a transition rests on: of the window, or of the trials when it was they who decided. */
export interface BreakerEvidence extends BreakerCounts {
  /** Failures per hundred calls, one decimal; 0 without calls. */
  readonly errorRatePercent: number
  readonly slowRatePercent: number
}

/** A change of state, with the evidence for it. */
export interface BreakerTransition {
  readonly from: BreakerState
  readonly to: BreakerState
  /** Monotonic milliseconds. When time alone made the transition: the moment it was due, seen later. */
  readonly at: number
  readonly reason: BreakerReason
  /** What the person who forced it wrote; empty otherwise. */
  readonly note: string
  readonly evidence: BreakerEvidence
}

/** Evidence out of counts. */
export function evidenceOf({ calls, failures, slow }: BreakerCounts): BreakerEvidence {
  return {
    calls,
    failures,
    slow,
    errorRatePercent: percent(failures, calls),
    slowRatePercent: percent(slow, calls),
  }
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part * 1_000) / whole) / 10
}
