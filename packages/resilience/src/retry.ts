import type { Random } from './clock.ts'

/**
 * How an attempt failed: no connection; the connection broke and provably no byte of the request was processed;
 * it broke before the answer's head; the attempt ran out of time; or an answer's status as three digits.
 */
export type FailureKind = 'connect-failure' | 'reset-before-request' | 'reset' | 'timeout' | `${number}`

/** Why there is, or is not, another attempt. */
export type RetryVerdict =
  | 'retry'
  | 'kind-not-listed'
  | 'method-not-idempotent'
  | 'body-gone'
  | 'attempts-used'
  | 'deadline-passed'

/** All that decides whether a failed attempt is followed by another. */
export interface FailedAttempt {
  readonly method: string
  /** Whether it may be repeated whatever was done. Default: as its method says. */
  readonly repeatable?: boolean
  readonly kind: FailureKind
  /** Kinds of failure the policy retries. */
  readonly on: readonly FailureKind[]
  /** Attempts made beyond the first, and how many there may be. */
  readonly retries: number
  readonly retriesMax: number
  /** Whether all of the request's body can be sent again. Default true: no body, or it was kept. */
  readonly bodyKept?: boolean
  /** The request's deadline, and the moment the next attempt would begin: monotonic milliseconds. */
  readonly deadlineAt: number
  readonly now: number
}

/**
 * May the request be attempted again? Only what is safe: a method whose repetition changes nothing, or a request of
 * which no byte was processed, whatever its method. The retry budget is asked after this says yes, so
 * that an attempt which is not made costs no token.
 */
export function mayRetry(attempt: FailedAttempt): RetryVerdict {
  const { method, kind, on, retries, retriesMax, bodyKept = true, deadlineAt, now } = attempt
  const { repeatable = isIdempotentMethod(method) } = attempt
  if (!on.includes(kind)) return 'kind-not-listed'
  if (!isUnprocessed(kind) && !repeatable) return 'method-not-idempotent'
  if (!bodyKept) return 'body-gone'
  if (retries >= retriesMax) return 'attempts-used'
  return now < deadlineAt ? 'retry' : 'deadline-passed'
}

/** Methods of RFC 9110, 9.2.2, in capitals as they are on the wire. Unknown methods are not. */
export function isIdempotentMethod(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
    case 'PUT':
    case 'DELETE':
      return true
    default:
      return false
  }
}

function isUnprocessed(kind: FailureKind): boolean {
  return kind === 'connect-failure' || kind === 'reset-before-request'
}

/** Bounds of the wait, milliseconds. */
export interface BackoffOptions {
  /** Default 25. */
  readonly baseMs?: number | undefined
  /** Default ten times `baseMs`. */
  readonly maxMs?: number | undefined
}

/**
 * Milliseconds to wait before a retry, drawn evenly from 0 to min(maxMs, baseMs × 2^retries): "full jitter" of the AWS
 * Architecture Blog (2015), which spreads callers that failed together further than any fixed share would.
 *
 * @param retries retries made so far, from 0
 */
export function backoffMs(retries: number, random: Random, options: BackoffOptions = {}): number {
  const { baseMs = 25, maxMs = baseMs * 10 } = options
  return random.next() * Math.min(maxMs, baseMs * 2 ** retries)
}
