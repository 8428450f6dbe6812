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
import type { Caller } from './caller.ts'
import type { DataPlane } from './data-plane.ts'
import type { ErrorCode } from './errors.ts'
import type { Endpoint, Service } from './service.ts'
import type { Timed } from './timer-wheel.ts'
import type { UpstreamConnection, UpstreamFailure, UpstreamUser } from './upstream-connection.ts'

/** How often one request may meet a kept connection that its endpoint has just closed, before that counts as a failure. */
const STALE_MAX = 2

/** How many endpoints that cannot be reached one request may pass over, whatever `retry.attempts` says. */
const PASSED_OVER_MAX = 3

/**
 * The attempts of one request at endpoints, one after the other: choose, connect, send, judge, perhaps again elsewhere.
 * Every attempt that was begun is recorded exactly once, whatever ends it.
 */
export class Attempts implements UpstreamUser, Timed {
  /** The deadline of a pause before the next attempt; the caller has the others. */
  deadlineAt: number = Infinity
  wheelTick: number = -1
  /** Attempts begun for the current request, at all services. */
  count = 0
  /** The endpoint asked last. */
  endpoint: Endpoint | null = null
  readonly #plane: DataPlane
  readonly #caller: Caller
  readonly #tried: number[] = []
  #service: Service | null = null
  #servicePermit = 0
  /** Attempts begun at the current service. */
  #begun = 0
  #idempotent = false
  #index = -1
  #permit = 0
  #attemptAt = 0
  #beganAt = 0
  #inAttempt = false
  #connection: UpstreamConnection | null = null
  #sent = false
  #stale = 0
  #response: UpstreamConnection | null = null
  #pausedResponse = false

  constructor(plane: DataPlane, caller: Caller) {
    this.#plane = plane
    this.#caller = caller
  }

  /** Whether an endpoint is receiving the request. */
  get sending(): boolean {
    return this.#sent
  }

  /** The response cannot be read on because the client takes no more of it. */
  get paused(): boolean {
    return this.#pausedResponse
  }

  /** A new request, of which nothing has been tried yet. */
  reset(): void {
    this.count = 0
    this.endpoint = null
  }

  begin(service: Service, now: number): void {
    this.#begun = 0
    if (this.#tried.length > 0) this.#tried.length = 0
    this.#stale = 0
    this.#pausedResponse = false
    this.#idempotent = isIdempotentMethod(this.#caller.method)
    this.#beganAt = now
    const permit = service.enter(now)
    if (typeof permit === 'string') return this.#caller.onAttemptsFailed(permit)
    this.#service = service
    this.#servicePermit = permit
    this.#try(now)
  }

  /** Sends what has arrived of the body since. False when the client should wait. */
  sendMore(): boolean {
    const connection = this.#connection
    if (connection === null || !this.#sent) return true
    const { body } = this.#caller
    const part = body.parts().at(-1)!
    const flowing = connection.write(part, body.complete)
    body.sent()
    return flowing
  }

  /** The client takes more of the answer again. */
  resume(): void {
    if (!this.#pausedResponse) return
    this.#pausedResponse = false
    this.#response?.resume()
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#plane.wheel.cancel(this)
    this.#dropConnection()
    const now = this.#plane.clock.now()
    this.#endAttempt(null, ignored, now)
    this.#leave(ignored, now)
  }

  /** The time of this attempt is over; `final` when the request's is. */
  onTimeout(now: number, final: boolean): void {
    const nextAt = final ? -1 : this.#claimNext('timeout', now)
    // Without another attempt there is nothing to win by giving this one up.
    if (!final && nextAt === -1) return this.#caller.onPause()
    this.#plane.wheel.cancel(this)
    this.#dropConnection()
    this.#endAttempt(false, failure, now)
    if (final) this.#giveUp('upstream_timeout', now)
    else this.#goOn(nextAt, now)
  }

  /** The endpoint has stopped in the middle of its answer. */
  onStalled(now: number): void {
    this.#dropConnection()
    this.#endAttempt(false, failure, now)
    this.#leave(failure, now)
  }

  onDeadline(now: number): void {
    this.#try(now)
  }

  onUpstreamReady(connection: UpstreamConnection): void {
    this.#connection = connection
    this.#send(connection)
  }

  onUpstreamHead(connection: UpstreamConnection): void {
    const now = this.#plane.clock.now()
    const { status } = connection.head
    this.endpoint!.load.observe(now - this.#attemptAt, now)
    if (status < 500) return this.#caller.onResponse(connection)
    const unavailable = status === 502 || status === 503 || status === 504
    const cause: FailureKind = `${status}`
    if (!unavailable) return this.#caller.onResponse(connection)
    const retryAfterMs =
      parseRetryAfter(connection.head.fields.get('retry-after'), this.#plane.wallNow()) ?? 0
    const nextAt = this.#claimNext(cause, now, retryAfterMs)
    // What the endpoint says of its trouble is worth more than what the gateway could say.
    if (nextAt === -1 && !this.#caller.hasFallback) return this.#caller.onResponse(connection)
    this.#dropConnection()
    this.#endAttempt(false, failure, now)
    if (nextAt === -1) this.#giveUp('no_endpoint', now)
    else this.#goOn(nextAt, now)
  }

  onUpstreamBody(
    connection: UpstreamConnection,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): void {
    this.#response = connection
    if (last) {
      const { status } = connection.head
      const now = this.#plane.clock.now()
      const outcome = status >= 500 ? failure : success
      this.#connection = null
      this.#endAttempt(status !== 502 && status !== 503 && status !== 504, outcome, now)
      this.#leave(outcome, now)
      this.#response = null
    }
    const flowing = this.#caller.onResponseBytes(connection, text, bytes, start, end, last)
    if (flowing || last) return
    this.#pausedResponse = true
    connection.pause()
  }

  onUpstreamDrain(): void {
    this.#caller.onWritable()
  }

  onUpstreamFailure(connection: UpstreamConnection, kind: UpstreamFailure): void {
    const now = this.#plane.clock.now()
    this.#connection = null
    if (kind === 'truncated') {
      this.#endAttempt(false, failure, now)
      this.#leave(failure, now)
      return this.#caller.onResponseTruncated()
    }
    if (kind === 'reset' && this.#wasStale(connection)) return this.#again(now)
    if (kind === 'protocol' && this.#response !== null) {
      this.#endAttempt(false, failure, now)
      this.#leave(failure, now)
      return this.#caller.onResponseTruncated()
    }
    const code: ErrorCode =
      kind === 'connect-failure'
        ? 'connect_failed'
        : kind === 'protocol'
          ? 'upstream_protocol'
          : 'upstream_reset'
    this.#onFailed(kind === 'connect-failure' ? 'connect-failure' : 'reset', code, now)
  }

  /** The endpoint closed a kept connection just as it was used again: its right, and no sign of ill health. */
  #wasStale(connection: UpstreamConnection): boolean {
    return (
      connection.reused &&
      !connection.answered &&
      this.#idempotent &&
      this.#caller.replayable &&
      this.#stale < STALE_MAX
    )
  }

  #again(now: number): void {
    this.#stale++
    this.#connect(true, now)
  }

  #try(now: number): void {
    const service = this.#service!
    // An endpoint's breaker may turn a trial away between the choice and the knock: look elsewhere, but not for ever.
    for (let knocks = 0; knocks <= service.endpoints.length; knocks++) {
      const index = service.pick(this.#caller, now, this.#tried)
      if (index === -1) break
      const endpoint = service.endpoints[index]!
      const permit = endpoint.breaker === null ? 0 : endpoint.breaker.admit(now)
      if (permit < 0) {
        if (!this.#tried.includes(index)) this.#tried.push(index)
        continue
      }
      this.endpoint = endpoint
      this.#index = index
      this.#permit = permit
      this.#inAttempt = true
      this.#attemptAt = now
      this.count++
      this.#begun++
      endpoint.load.enter()
      this.#caller.onAttempt(now, this.#mayFollow(service))
      return this.#connect(false, now)
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

  #connect(fresh: boolean, now: number): void {
    this.#sent = false
    const connection = this.endpoint!.pool!.acquire(this, fresh)
    if (connection === 'opening' || connection === 'waiting') return
    if (connection !== 'full') return this.onUpstreamReady(connection)
    this.#endAttempt(null, ignored, now)
    // Being full here says nothing of the service.
    this.#leave(ignored, now)
    this.#caller.onAttemptsFailed('overloaded')
  }

  #send(connection: UpstreamConnection): void {
    const { body } = this.#caller
    const parts = body.parts()
    const head = this.#caller.headText()
    this.#sent = true
    const first = parts[0]
    if (first === undefined) connection.begin(head, this.#caller.toHead, body.complete)
    else if (parts.length === 1 && first.length <= 4_096)
      connection.begin(head + first.toString('latin1'), this.#caller.toHead, body.complete)
    else {
      connection.begin(head, this.#caller.toHead, false)
      for (const [i, part] of parts.entries()) connection.write(part, body.complete && i === parts.length - 1)
    }
    body.sent()
    this.#caller.onSent()
  }

  #onFailed(cause: FailureKind, code: ErrorCode, now: number): void {
    const sent = this.#sent
    this.#endAttempt(false, failure, now)
    const nextAt = this.#claimNext(cause === 'reset' && !sent ? 'reset-before-request' : cause, now)
    if (nextAt === -1) this.#giveUp(code, now)
    else this.#goOn(nextAt, now)
  }

  /** When the next attempt may begin, its token taken from the budget; -1 when there is to be none. */
  #claimNext(cause: FailureKind, now: number, retryAfterMs = 0): number {
    if (!this.#tried.includes(this.#index)) this.#tried.push(this.#index)
    const nextAt = now + this.#pauseMs(retryAfterMs)
    if (!this.#mayTryAgain(cause, nextAt)) return -1
    return this.#service!.budget.withdraw(now) ? nextAt : -1
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

  #dropConnection(): void {
    if (this.#connection !== null) this.#connection.destroy()
    else if (this.#inAttempt) this.endpoint?.pool?.abandon(this)
    this.#connection = null
    this.#response = null
  }

  #endAttempt(ok: boolean | null, outcome: BreakerOutcome, now: number): void {
    if (!this.#inAttempt) return
    this.#inAttempt = false
    this.#sent = false
    this.endpoint!.load.leave()
    this.#service!.record(this.#index, this.#permit, ok, outcome, now - this.#attemptAt, now)
  }

  #leave(outcome: BreakerOutcome, now: number): void {
    const service = this.#service
    if (service === null) return
    this.#service = null
    service.leave(this.#servicePermit, outcome, now - this.#beganAt, now)
  }
}
