import { backoffMs } from '@budao/resilience'
import type { Failure } from './failure.ts'
import type { Random } from './runtime.ts'

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
  /** Another channel, that has not failed this call, could take it. */
  readonly otherChannel: boolean
  readonly deadlineAt: number
  readonly now: number
}

/** Why there is no other attempt. */
export type GiveUp = 'misuse' | 'aborted' | 'maybe-sent' | 'attempts-used' | 'deadline'

/**
 * retry   after so many milliseconds; `free` costs the retry budget nothing where the other channel works: to it, it is the first attempt
 * park    until the network or the foreground is back
 * fail    and why there is no other attempt
 */
export type NextStep =
  | { readonly step: 'retry'; readonly delayMs: number; readonly free: boolean }
  | { readonly step: 'park'; readonly until: 'network' | 'foreground' }
  | { readonly step: 'fail'; readonly because: GiveUp }

/** Base 200 ms as the AWS SDKs have for services that people wait for; more than 2 s nobody waits. */
const backoff = { baseMs: 200, maxMs: 2_000 }

/**
 * What follows a failed attempt. A request that provably was not sent may go elsewhere, a write too. One that may have
 * been sent is only sent again where that does no harm. What the phone did itself (another network, the
 * background) is waited for, and is nobody's failure.
 */
export function nextStep(ended: EndedAttempt, random: Random): NextStep {
  const { failure, now } = ended
  const { kind, sent } = failure
  const fail = (because: GiveUp): NextStep => ({ step: 'fail', because })
  if (kind === 'misuse' || kind === 'aborted') return fail(kind)
  if (sent && !ended.repeatable) return fail('maybe-sent')
  if (kind === 'interrupted') return { step: 'park', until: 'foreground' }
  if (/^(network-switch|offline)$/.test(kind)) return { step: 'park', until: 'network' }
  if (ended.attempts >= ended.attemptsMax) return fail('attempts-used')
  // Somebody else is asked at once: the wait is for the one that failed.
  const elsewhere = failure.blames && ended.otherChannel && ended.retryAfterMs === 0
  const delayMs = elsewhere ? 0 : Math.max(ended.retryAfterMs, backoffMs(ended.attempts - 1, random, backoff))
  if (now + delayMs >= ended.deadlineAt) return fail('deadline')
  return { step: 'retry', delayMs, free: elsewhere }
}
