import {
  failure,
  ignored,
  parseRetryAfter,
  success,
  type BreakerOutcome,
  type FailureKind,
} from '@budao/resilience'
import { Admittance, type AdmittanceUser } from '../service/admittance.ts'
import type { Attempt, AttemptOwner } from './attempt.ts'
import { failureCodes, healthOf, isUnavailable, outcomeOf } from './answer-verdict.ts'
import type { Caller } from './caller.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { chooseEndpoint } from './endpoint-choice.ts'
import type { ErrorCode } from '../errors.ts'
import { chooseHedge, mayHedge } from './hedge-rule.ts'
import { OwnedRequest, setOf, type WriteRefusal } from '../ownership/owned-request.ts'
import type { OwnerSeeker } from '../ownership/owner-wait.ts'
import { Race } from './race.ts'
import { RETRY_AFTER_MS } from '../exchange/refusal-headers.ts'
import { isUnprocessed, retryAt } from './retry-time.ts'
import type { Endpoint, Service } from '../service/service.ts'
import type { Timed } from '../threads/timer-wheel.ts'
import type { UpstreamConnection, UpstreamFailure } from './upstream-connection.ts'

/**
 * What becomes of one request at a service: an attempt at an endpoint, and perhaps others elsewhere behind it. Decides
 * where and how often; `Attempt` is one try.
 */
export class Attempts implements AttemptOwner, AdmittanceUser, OwnerSeeker, Timed {
  /** When to go on behind a pause, or to begin a hedge; the caller has the other deadlines. */
  deadlineAt: number = Infinity
  wheelTick: number = -1
  /** Attempts begun for the current request, at all services. */
  count = 0
  readonly #plane: DataPlane
  readonly #caller: Caller
  readonly #race: Race
  readonly #tried: number[] = []
  /** Endpoint asked last; null when none was. */
  endpoint: Endpoint | null = null
  owned: OwnedRequest | null = null
  /** Kept for the next request of the kind. */
  #ownedBefore: OwnedRequest | null = null
  /** What the service asked last wants to be told to who was turned away. */
  retryAfterMs: number = RETRY_AFTER_MS
  readonly #place: Admittance = new Admittance(this)
  /** Attempts begun at the current service, those beside another one not counted, and those. */
  #begun = 0
  #hedged = 0
  #repeatable = false
  /** An attempt may have been processed. */
  #repeats = false

  constructor(plane: DataPlane, caller: Caller) {
    this.#plane = plane
    this.#caller = caller
    this.#race = new Race(plane, this, caller)
  }

  /** Whether an endpoint is receiving the request. */
  get sending(): boolean {
    return this.#race.current.sending
  }

  /** The response cannot be read on because the client takes no more of it. */
  get paused(): boolean {
    return this.#race.current.paused
  }

  /** A new request, of which nothing has been tried yet. */
  reset(): void {
    this.count = 0
    this.endpoint = null
    this.owned = null
  }

  begin(service: Service, now: number): void {
    this.#ownedBefore?.renew()
    this.#begin(service, now)
  }

  #begin(wanted: Service, now: number): void {
    this.retryAfterMs = wanted.config.limits.retryAfter
    this.owned = wanted.ownership === null ? null : (this.#ownedBefore ??= new OwnedRequest(this.#plane))
    const service = this.owned === null ? wanted : this.owned.begin(wanted, this.#caller)
    if (typeof service === 'string') return this.#disown(service, now)
    this.#begun = 0
    this.#hedged = 0
    this.#repeats = false
    if (this.#tried.length > 0) this.#tried.length = 0
    this.#repeatable = this.#caller.repeatable
    this.#race.reset(this.#repeatable)
    const { terms } = this.#caller
    // Filters may have taken their time.
    if (terms.deadlineAt !== Infinity && terms.deadlineAt <= this.#plane.clock.now())
      return this.#caller.onAttemptsFailed('deadline_passed')
    this.#place.enter(service, terms, now)
  }

  onOwner(now: number): void {
    this.#begin(this.owned!.wanted!, now)
  }

  onEntered(now: number): void {
    this.#try(now)
  }

  onTurnedAway(code: ErrorCode): void {
    this.#caller.onAttemptsFailed(code)
  }

  /** Sends what has arrived of the body since. False when the client should wait. */
  sendMore(): boolean {
    return this.#race.current.sendMore()
  }

  /** The client takes more of the answer again. */
  resume(): void {
    this.#race.current.resume()
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#place.abandon()
    this.owned?.stopWaiting()
    this.#plane.wheel.cancel(this)
    const now = this.#plane.clock.now()
    this.#race.cancel(now)
    this.#leave(ignored, now)
  }

  /** The time of this attempt is over; `final` when the request's is. */
  onTimeout(now: number, final: boolean): void {
    if (this.#place.waiting) return this.#place.onWaitedInVain()
    if (this.owned?.waiting === true) return this.#disown('write_owner_unknown', now)
    if (final) return this.#onTimeOver(now)
    if (this.#race.running > 1) {
      const { oldest } = this.#race
      oldest.timeOut(now)
      this.#avoid(oldest.index)
      this.#race.leave(oldest)
      return this.#caller.onPause()
    }
    const nextAt = this.#claimNext('timeout', now)
    // Without another attempt there is nothing to win by giving this one up.
    if (nextAt === -1) return this.#caller.onPause()
    this.#plane.wheel.cancel(this)
    this.#race.timeOut(true, now)
    this.#goOn(nextAt, now)
  }

  /** The endpoint has stopped in the middle of its answer. */
  onStalled(now: number): void {
    this.#race.fail(now)
    this.#leave(failure, now)
  }

  onDeadline(now: number): void {
    if (this.#race.running === 0) this.#try(now)
    else this.#hedge(now)
  }

  onHead(attempt: Attempt, connection: UpstreamConnection): void {
    const { status } = connection.head
    if (this.owned?.peer != null && this.#wasRefused(attempt, connection)) return
    if (status < 400) return this.#pass(attempt, connection)
    const unavailable = isUnavailable(status)
    if (!unavailable && !this.#place.service!.retry.on.includes(`${status}`))
      return this.#pass(attempt, connection)
    const now = this.#plane.clock.now()
    if (this.#race.running > 1) {
      this.#refuse(attempt, connection, now)
      this.#avoid(attempt.index)
      return
    }
    const retryAfterMs =
      parseRetryAfter(connection.head.fields.get('retry-after'), this.#plane.wallNow()) ?? 0
    const nextAt = this.#claimNext(`${status}`, now, retryAfterMs)
    // What the endpoint says of its trouble is worth more than what the gateway could say.
    if (nextAt === -1 && !(unavailable && this.#caller.hasFallback)) return this.#pass(attempt, connection)
    this.#refuse(attempt, connection, now)
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
      const now = this.#plane.clock.now()
      const outcome = outcomeOf(connection)
      attempt.end(healthOf(connection), outcome, now)
      this.#race.leave(attempt)
      this.#leave(outcome, now)
    }
    return this.#caller.onResponseBytes(connection, text, bytes, start, end, last)
  }

  onUpgraded(attempt: Attempt, connection: UpstreamConnection, rest: Uint8Array): void {
    this.#race.leave(attempt)
    this.#leave(success, this.#plane.clock.now())
    this.#caller.onUpgraded(connection, attempt.endpoint!, rest)
  }

  onFailed(attempt: Attempt, kind: UpstreamFailure): void {
    const now = this.#plane.clock.now()
    const sent = attempt.sending
    const begun = attempt.answering
    attempt.end(false, failure, now)
    this.#race.leave(attempt)
    if (kind === 'truncated' || (kind === 'protocol' && begun)) {
      this.#leave(failure, now)
      return this.#caller.onResponseTruncated()
    }
    if (this.#race.running > 0) return this.#avoid(attempt.index)
    const cause = kind === 'connect-failure' ? 'connect-failure' : sent ? 'reset' : 'reset-before-request'
    const nextAt = this.#claimNext(cause, now)
    if (nextAt !== -1) this.#goOn(nextAt, now)
    else if (this.owned?.peer != null && isUnprocessed(cause)) this.#disown('write_owner_unknown', now)
    else this.#giveUp(failureCodes[kind], now)
  }

  onFull(attempt: Attempt): void {
    const now = this.#plane.clock.now()
    attempt.end(null, ignored, now)
    this.#race.leave(attempt)
    if (this.#race.running > 0) return
    // Being full here says nothing of the service.
    this.#leave(ignored, now)
    this.#caller.onAttemptsFailed('overloaded')
  }

  onHeldBack(attempt: Attempt): void {
    const now = this.#plane.clock.now()
    attempt.end(null, ignored, now)
    this.#race.leave(attempt)
    if (this.#race.running > 0) return
    // What an attempt before it has done nobody knows.
    if (this.#begun > 1) this.#disown('write_unacknowledged', now)
    else this.#beginAgain(now)
  }

  #try(now: number): void {
    const service = this.#place.service!
    const index = chooseEndpoint(service, setOf(this.owned, service, now), this.#caller, now, this.#tried)
    if (index === -1) return this.#giveUp('no_endpoint', now)
    if (this.#begun++ > 0) service.counters.add('retries')
    this.#caller.onAttempt(now, this.#mayFollow(service))
    if (service.retry.hedge !== undefined) this.#scheduleHedge(service, now)
    this.#ask(service, index, service.admitted, now)
  }

  #ask(service: Service, index: number, permit: number, now: number): void {
    this.count++
    this.endpoint = service.endpoints[index]!
    this.#caller.span?.attempt(now, this.endpoint)
    const attempt = this.#race.enter()
    attempt.first = this.#begun === 1 && this.#hedged === 0
    attempt.begin(service, index, permit, this.#repeats, now)
    attempt.ask(now)
  }

  #scheduleHedge(service: Service, now: number): void {
    if (!mayHedge(this.#caller, service, this.#hedged)) return
    this.deadlineAt = service.hedgeAt(now)
    this.#plane.wheel.schedule(this)
  }

  /** The attempt is late: asks another endpoint beside it, if there is one and the budget allows. */
  #hedge(now: number): void {
    const service = this.#place.service!
    // The body may have been let go meanwhile.
    if (!mayHedge(this.#caller, service, this.#hedged)) return
    this.#race.forEachIndex((index) => this.#avoid(index))
    const index = chooseHedge(service, setOf(this.owned, service, now), this.#caller, this.#tried, now)
    if (index === -1) return
    this.#hedged++
    this.#repeats = true
    service.hedges.begun()
    this.#scheduleHedge(service, now)
    this.#ask(service, index, service.admitted, now)
  }

  /** An answer to pass on: whoever else was asked is not waited for. */
  #pass(attempt: Attempt, connection: UpstreamConnection): void {
    if (this.deadlineAt !== Infinity) this.#plane.wheel.cancel(this)
    if (this.#hedged > 0) this.#win(attempt)
    if (this.owned?.mayAcknowledge() !== false) return this.#caller.onResponse(connection)
    const now = this.#plane.clock.now()
    this.#refuse(attempt, connection, now)
    this.#disown('write_unacknowledged', now)
  }

  #win(attempt: Attempt): void {
    // The first attempt cannot win against itself.
    if (this.#race.running > 1 && this.#race.oldest !== attempt) this.#place.service!.hedges.won()
    this.#race.win(attempt, this.#plane.clock.now())
    this.endpoint = attempt.endpoint
  }

  /** Whether the other gateway said that it does not hold the lease: it has not touched the write. */
  #wasRefused(attempt: Attempt, connection: UpstreamConnection): boolean {
    const refusal = this.owned!.refusalOf(connection.head)
    if (refusal === 'none') return false
    const now = this.#plane.clock.now()
    this.#refuse(attempt, connection, now)
    if (refusal === 'newer') this.#beginAgain(now)
    else this.#disown('write_owner_unknown', now)
    return true
  }

  /** Nothing was done of it: it is asked once more where it belongs now, or fails. */
  #beginAgain(now: number): void {
    if (!this.#caller.replayable || !this.owned!.mayBeginAgain())
      return this.#disown('write_owner_unknown', now)
    this.#leave(ignored, now)
    this.#begin(this.owned!.wanted!, now)
  }

  /** It is not done here, or what was done of it does not count: it waits for an owner, or fails. */
  #disown(code: WriteRefusal, now: number): void {
    this.#leave(ignored, now)
    if (this.owned!.waits(code, this, this.#caller.replayable, now)) this.#caller.onPause()
    else this.#caller.onAttemptsFailed(code)
  }

  /** An answer that is not passed on. */
  #refuse(attempt: Attempt, connection: UpstreamConnection, now: number): void {
    attempt.drop()
    attempt.end(healthOf(connection), outcomeOf(connection), now)
    this.#race.leave(attempt)
  }

  #onTimeOver(now: number): void {
    // Where the client was in a greater hurry than the service promises to be, nobody is to blame.
    const hurried = this.#caller.requestDeadlineAt >= this.#caller.terms.deadlineAt
    this.#plane.wheel.cancel(this)
    this.#race.timeOut(!hurried, now)
    this.#leave(hurried ? ignored : failure, now)
    this.#caller.onAttemptsFailed('upstream_timeout')
  }

  /** Whether this attempt is cut short so that another one has time. */
  #mayFollow(service: Service): boolean {
    return (
      this.#repeatable &&
      this.#caller.replayable &&
      this.#begun <= service.retry.attempts &&
      service.retry.on.includes('timeout')
    )
  }

  /** When the next attempt may begin, its token taken from the budget; -1 when there is to be none. */
  #claimNext(cause: FailureKind, now: number, retryAfterMs = 0): number {
    this.#avoid(this.#race.current.index)
    const nextAt = retryAt({
      caller: this.#caller,
      service: this.#place.service!,
      cause,
      retries: this.#begun - 1,
      untried: this.#place.service!.endpoints.length - this.#tried.length,
      retryAfterMs,
      random: this.#plane.random,
      now,
    })
    if (nextAt === -1) return -1
    if (!this.#place.service!.budget.withdraw(now)) return -1
    if (!isUnprocessed(cause)) this.#repeats = true
    return nextAt
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

  #giveUp(code: ErrorCode, now: number): void {
    this.#leave(failure, now)
    this.#caller.onAttemptsFailed(code)
  }

  #leave(outcome: BreakerOutcome, now: number): void {
    if (!this.#place.leave(outcome, now)) return
    this.owned?.leave()
    if (this.deadlineAt !== Infinity) this.#plane.wheel.cancel(this)
  }
}
