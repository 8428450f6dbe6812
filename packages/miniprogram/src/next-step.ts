import { backoffMs, type Random } from '@budao/resilience'
import type { Failure } from './failure.ts'

/** All that decides what follows an attempt without an answer to hand on. */
export interface EndedAttempt {
  readonly failure: Failure
  /** What the answer asked to wait; 0 when it did not. Milliseconds. */
  readonly retryAfterMs: number
  /** Sending it twice does no harm: its method, or a key that the server honours. */
  readonly repeatable: boolean
  /** Attempts made, this one included, and how many there may be. Parked ones do not count. */
  readonly attempts: number
  readonly attemptsMax: number
  /** A channel that has not been tried for this call could take it. */
  readonly otherChannel: boolean
  readonly deadlineAt: number
  readonly now: number
  readonly backoff: { readonly baseMs: number; readonly maxMs: number }
}

/**
 * retry   after so many milliseconds; `free` costs the retry budget nothing, as nothing was sent or nobody failed
 * park    until the network or the foreground is back
 * fail    and why there is no other attempt
 */
export type NextStep =
  | { readonly step: 'retry'; readonly delayMs: number; readonly free: boolean }
  | { readonly step: 'park'; readonly until: 'network' | 'foreground' }
  | {
      readonly step: 'fail'
      readonly because: 'misuse' | 'aborted' | 'maybe-sent' | 'attempts-used' | 'deadline'
    }

/**
 * What follows a failed attempt. A request that provably was not sent may go elsewhere, a write too. One that may have
 * been sent is only sent again where that does no harm. What the phone did itself (another network, the
 * background) is waited for, and is nobody's failure.
 */
export function nextStep(ended: EndedAttempt, random: Random): NextStep {
  const { failure, repeatable, now, deadlineAt } = ended
  if (failure.kind === 'misuse') return { step: 'fail', because: 'misuse' }
  if (failure.kind === 'aborted') return { step: 'fail', because: 'aborted' }
  if (failure.sent && !repeatable) return { step: 'fail', because: 'maybe-sent' }
  if (failure.kind === 'interrupted') return { step: 'park', until: 'foreground' }
  if (failure.kind === 'network-switch') return { step: 'park', until: 'network' }
  if (ended.attempts >= ended.attemptsMax) return { step: 'fail', because: 'attempts-used' }
  // Somebody else is asked at once: the wait is for the one that failed.
  const elsewhere = ended.otherChannel && ended.retryAfterMs === 0
  const delayMs = elsewhere
    ? 0
    : Math.max(ended.retryAfterMs, backoffMs(ended.attempts - 1, random, ended.backoff))
  if (now + delayMs >= deadlineAt) return { step: 'fail', because: 'deadline' }
  return { step: 'retry', delayMs, free: !failure.sent && elsewhere }
}
