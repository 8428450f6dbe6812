import { backoffMs, mayRetry, type FailureKind, type Random } from '@budao/resilience'
import type { Caller } from './caller.ts'
import type { Service } from '../service/service.ts'

/** How many endpoints that cannot be reached one request may pass over, whatever `retry.attempts` says. */
export const PASSED_OVER_MAX = 3

/** All that decides whether and when a failed attempt is followed by another, but for the budget. */
export interface FailedRequest {
  readonly caller: Caller
  readonly service: Service
  readonly cause: FailureKind
  /** Attempts after the first, those beside others not counted. */
  readonly retries: number
  /** Endpoints that have not been asked. */
  readonly untried: number
  /** How long the endpoint wants to be left alone. */
  readonly retryAfterMs: number
  readonly random: Random
  readonly now: number
}

/** When the next attempt may begin, monotonic milliseconds; -1 when there is to be none. */
export function retryAt(failed: FailedRequest): number {
  const { caller, service, cause, retries, now } = failed
  const { retry } = service
  const nextAt = now + pauseMs(failed)
  const verdict = mayRetry({
    method: caller.method,
    repeatable: caller.repeatable,
    kind: cause,
    on: retry.on,
    retries,
    retriesMax: retriesMax(failed),
    bodyKept: caller.replayable,
    deadlineAt: caller.requestDeadlineAt,
    now: nextAt,
  })
  return verdict === 'retry' ? nextAt : -1
}

/** Whether provably no byte of the request was processed. */
export function isUnprocessed(cause: FailureKind): boolean {
  return cause === 'connect-failure' || cause === 'reset-before-request'
}

function retriesMax({ caller, service, cause }: FailedRequest): number {
  const { retry, endpoints } = service
  // What somebody in front repeats already is not repeated here as well: the two would multiply.
  const attempts = caller.terms.attemptedBy === 'nobody' ? retry.attempts : 0
  // Nothing was processed, so nothing is repeated: a dead site's other endpoints may be passed over one by one.
  return retry.attempts > 0 && isUnprocessed(cause)
    ? Math.max(attempts, Math.min(endpoints.length - 1, PASSED_OVER_MAX))
    : attempts
}

/** While somebody has not been asked yet there is nothing to wait for; a second round comes with full jitter. */
function pauseMs({ service, retries, untried, retryAfterMs, random }: FailedRequest): number {
  if (untried > 0) return 0
  const { base, max } = service.retry.backoff
  return Math.max(retryAfterMs, backoffMs(retries, random, { baseMs: base, maxMs: max }))
}
