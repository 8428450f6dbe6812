import {
  backoffMs,
  failure,
  ignored,
  isIdempotentMethod,
  mayRetry,
  parseRetryAfter,
  success,
  type BreakerOutcome,
  type FailureKind,
} from '@budao/resilience'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Caller } from './caller.ts'
import type { DataPlane } from './data-plane.ts'
import type { ErrorCode } from './errors.ts'
import type { Endpoint, Service } from './service.ts'
import type { Timed } from './timer-wheel.ts'
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts'

/** How many endpoints that cannot be reached one request may pass over, whatever `retry.attempts` says. */
const PASSED_OVER_MAX = 3

/** What a client is told of an attempt that failed so. */
const codes: Readonly<Record<UpstreamFailure, ErrorCode>> = {
  'connect-failure': 'connect_failed',
  reset: 'upstream_reset',
  protocol: 'upstream_protocol',
  truncated: 'upstream_reset',
}

/**
 * What becomes of one request at a service: an attempt at an endpoint, and perhaps others elsewhere behind it. Decides
 * where and how often; `Attempt` is one try.
 */
export class Attempts implements AttemptOwner, Timed {
  /** The deadline of a pause before the next attempt; the caller has the others. */
  deadlineAt: number = Infinity
  wheelTick: number = -1
  /** Attempts begun for the current request, at all services. */
  count = 0
  readonly #plane: DataPlane
  readonly #caller: Caller
  readonly #attempt: Attempt
  readonly #tried: number[] = []
  #service: Service | null = null
  #servicePermit = 0
  /** Attempts begun at the current service. */
  #begun = 0
  #idempotent = false
  #beganAt = 0

  constructor(plane: DataPlane, caller: Caller) {
    this.#plane = plane
    this.#caller = caller
    this.#attempt = new Attempt(plane, this, caller)
  }

  /** The endpoint asked last; null when none was. */
  get endpoint(): Endpoint | null {
    return this.#attempt.endpoint
  }

  /** Whether an endpoint is receiving the request. */
  get sending(): boolean {
    return this.#attempt.sending
  }

  /** The response cannot be read on because the client takes no more of it. */
  get paused(): boolean {
    return this.#attempt.paused
  }

  /** A new request, of which nothing has been tried yet. */
  reset(): void {
    this.count = 0
    this.#attempt.endpoint = null
  }

  begin(service: Service, now: number): void {
    this.#begun = 0
    if (this.#tried.length > 0) this.#tried.length = 0
    this.#idempotent = isIdempotentMethod(this.#caller.method)
    this.#attempt.reset(this.#idempotent)
    this.#beganAt = now
    const permit = service.enter(now)
    if (typeof permit === 'string') return this.#caller.onAttemptsFailed(permit)
    this.#service = service
    this.#servicePermit = permit
    this.#try(now)
  }

  /** Sends what has arrived of the body since. False when the client should wait. */
  sendMore(): boolean {
    return this.#attempt.sendMore()
  }

  /** The client takes more of the answer again. */
  resume(): void {
    this.#attempt.resume()
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#plane.wheel.cancel(this)
    const now = this.#plane.clock.now()
    this.#attempt.cancel(now)
    this.#leave(ignored, now)
  }

  /** The time of this attempt is over; `final` when the request's is. */
  onTimeout(now: number, final: boolean): void {
    const nextAt = final ? -1 : this.#claimNext('timeout', now)
    // Without another attempt there is nothing to win by giving this one up.
    if (!final && nextAt === -1) return this.#caller.onPause()
    this.#plane.wheel.cancel(this)
    this.#fail(now)
    if (final) this.#giveUp('upstream_timeout', now)
    else this.#goOn(nextAt, now)
  }

  /** The endpoint has stopped in the middle of its answer. */
  onStalled(now: number): void {
    this.#fail(now)
    this.#leave(failure, now)
  }

  onDeadline(now: number): void {
    this.#try(now)
  }

  onHead(attempt: Attempt, connection: UpstreamConnection): void {
    const { status } = connection.head
    if (status < 400) return this.#caller.onResponse(connection)
    const unavailable = isUnavailable(status)
    if (!unavailable && !this.#service!.retry.on.includes(`${status}`))
      return this.#caller.onResponse(connection)
    const now = this.#plane.clock.now()
    const retryAfterMs =
      parseRetryAfter(connection.head.fields.get('retry-after'), this.#plane.wallNow()) ?? 0
    const nextAt = this.#claimNext(`${status}`, now, retryAfterMs)
    // What the endpoint says of its trouble is worth more than what the gateway could say.
    if (nextAt === -1 && !(unavailable && this.#caller.hasFallback))
      return this.#caller.onResponse(connection)
    attempt.drop()
    attempt.end(!unavailable, status >= 500 ? failure : success, now)
    if (nextAt === -1) this.#giveUp('no_endpoint', now)
    else this.#goOn(nextAt, now)
  }

  onBody(
    attempt: Attempt,
    connection: UpstreamConnection,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean {
    if (last) {
      const { status } = connection.head
      const now = this.#plane.clock.now()
      const outcome = status >= 500 ? failure : success
      attempt.end(!isUnavailable(status), outcome, now)
      this.#leave(outcome, now)
    }
    return this.#caller.onResponseBytes(connection, text, bytes, start, end, last)
  }

  onFailed(attempt: Attempt, kind: UpstreamFailure): void {
    const now = this.#plane.clock.now()
    const sent = attempt.sending
    const begun = attempt.answering
    attempt.end(false, failure, now)
    if (kind === 'truncated' || (kind === 'protocol' && begun)) {
      this.#leave(failure, now)
      return this.#caller.onResponseTruncated()
    }
    const cause = kind === 'connect-failure' ? 'connect-failure' : sent ? 'reset' : 'reset-before-request'
    const nextAt = this.#claimNext(cause, now)
    if (nextAt === -1) this.#giveUp(codes[kind], now)
    else this.#goOn(nextAt, now)
  }

  onFull(attempt: Attempt): void {
    const now = this.#plane.clock.now()
    attempt.end(null, ignored, now)
    // Being full here says nothing of the service.
    this.#leave(ignored, now)
    this.#caller.onAttemptsFailed('overloaded')
  }

  #try(now: number): void {
    const service = this.#service!
    // An endpoint's breaker may turn a trial away between the choice and the knock: look elsewhere, but not for ever.
    for (let knocks = 0; knocks <= service.endpoints.length; knocks++) {
      const index = service.pick(this.#caller, now, this.#tried)
      if (index === -1) break
      const { breaker } = service.endpoints[index]!
      const permit = breaker === null ? 0 : breaker.admit(now)
      if (permit < 0) {
        this.#avoid(index)
        continue
      }
      this.count++
      this.#begun++
      this.#attempt.begin(service, index, permit, now)
      this.#caller.onAttempt(now, this.#mayFollow(service))
      return this.#attempt.connect(false)
    }
    this.#giveUp('no_endpoint', now)
  }

  /** Whether this attempt is cut short so that another one has time. */
  #mayFollow(service: Service): boolean {
    return (
      this.#idempotent &&
      this.#caller.replayable &&
      this.#begun <= service.retry.attempts &&
      service.retry.on.includes('timeout')
    )
  }

  /** When the next attempt may begin, its token taken from the budget; -1 when there is to be none. */
  #claimNext(cause: FailureKind, now: number, retryAfterMs = 0): number {
    this.#avoid(this.#attempt.index)
    const nextAt = now + this.#pauseMs(retryAfterMs)
    if (!this.#mayTryAgain(cause, nextAt)) return -1
    return this.#service!.budget.withdraw(now) ? nextAt : -1
  }

  #avoid(index: number): void {
    if (!this.#tried.includes(index)) this.#tried.push(index)
  }

  #goOn(nextAt: number, now: number): void {
    if (nextAt <= now) return this.#try(now)
    this.#caller.onPause()
    this.deadlineAt = nextAt
    this.#plane.wheel.schedule(this)
  }

  /** While somebody has not been asked yet there is nothing to wait for; a second round comes with full jitter. */
  #pauseMs(retryAfterMs: number): number {
    const { retry, endpoints } = this.#service!
    if (this.#tried.length < endpoints.length) return 0
    return Math.max(
      retryAfterMs,
      backoffMs(this.#begun - 1, this.#plane.random, {
        baseMs: retry.backoff.base,
        maxMs: retry.backoff.max,
      }),
    )
  }

  #mayTryAgain(cause: FailureKind, nextAt: number): boolean {
    const { retry, endpoints } = this.#service!
    // Nothing was processed, so nothing is repeated: a dead site's other endpoints may be passed over one by one.
    const unprocessed = cause === 'connect-failure' || cause === 'reset-before-request'
    const retriesMax =
      retry.attempts > 0 && unprocessed
        ? Math.max(retry.attempts, Math.min(endpoints.length - 1, PASSED_OVER_MAX))
        : retry.attempts
    const verdict = mayRetry({
      method: this.#caller.method,
      kind: cause,
      on: retry.on,
      retries: this.#begun - 1,
      retriesMax,
      bodyKept: this.#caller.replayable,
      deadlineAt: this.#caller.requestDeadlineAt,
      now: nextAt,
    })
    return verdict === 'retry'
  }

  #giveUp(code: ErrorCode, now: number): void {
    this.#leave(failure, now)
    this.#caller.onAttemptsFailed(code)
  }

  #fail(now: number): void {
    this.#attempt.drop()
    this.#attempt.end(false, failure, now)
  }

  #leave(outcome: BreakerOutcome, now: number): void {
    const service = this.#service
    if (service === null) return
    this.#service = null
    service.leave(this.#servicePermit, outcome, now - this.#beganAt, now)
  }
}

/** The endpoint, or who stands before it, says that it cannot serve now: the only statuses that speak against its health. */
function isUnavailable(status: number): boolean {
  return status >= 502 && status <= 504
}
