import { attemptDeadline, isIdempotentMethod } from '@budao/resilience'
import { challengeReply } from '../acme/acme-challenges.ts'
import type { AnsweredBy } from './answered-by.ts'
import { answerOf } from './answer-text.ts'
import { Attempts } from '../upstream/attempts.ts'
import type { CallOrigin } from '../upstream/backend-call.ts'
import type { Caller } from '../upstream/caller.ts'
import { CacheTurn, type CacheClient } from '../cache/cache-turn.ts'
import type { Answer, Client, ClientResponse } from '../client/client.ts'
import { GoneClient } from '../client/gone-client.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { errorCodes, type ErrorCode } from '../errors.ts'
import { exchangeRecord } from './exchange-record.ts'
import type { ExchangeState } from './exchange-state.ts'
import { FilterChain } from '../filters/filter-chain.ts'
import type { Filter, FilterRequest, Reply } from '../filters/filter.ts'
import { ForwardedHead } from './forwarded-head.ts'
import type { ResponseHead } from '../http/response-head.ts'
import type { Mirror } from '../upstream/mirror.ts'
import type { OwnWork, WorkRequest, WorkUnderWay } from './own-work.ts'
import { asterisk, normalizeTarget } from '../routing/path.ts'
import { ReceivedRequest } from './received-request.ts'
import { errorReply } from './reply.ts'
import { refusalHeaders } from './refusal-headers.ts'
import { RequestTerms } from './call-terms.ts'
import { KeyedWrite, type KeyedClient } from '../idempotency/keyed-write.ts'
import { RequestBody } from './request-body.ts'
import { editableAnswer, editableReply, responseView } from './response-view.ts'
import type { Route, ServiceChoice } from '../routing/route.ts'
import type { Runtime } from '../threads/runtime.ts'
import type { Endpoint, Service } from '../service/service.ts'
import type { Timed, Waiter } from '../threads/timer-wheel.ts'
import type { Span } from '../tracing/span.ts'
import type { Leaving } from '../ownership/owned-request.ts'
import { belongingOf, type Belonging } from './write-belonging.ts'
import { isWrite } from './write-method.ts'
import { UpgradeTunnel, type TunnelOwner } from './upgrade-tunnel.ts'
import type { UpstreamConnection } from '../upstream/upstream-connection.ts'

/** Nginx's code for a client that went away before its answer: never on the wire, only in logs and metrics. */
const CLIENT_CLOSED = 499

const NO_FILTERS: readonly Filter[] = []

/**
 * One request of a client, from its head to the last byte of its answer: route, filters, attempts at endpoints,
 * relay or an answer of the gateway's own. One object serves a connection for its life and is refilled for every request.
 */
export class Exchange
  extends ReceivedRequest
  implements Timed, FilterRequest, Caller, WorkRequest, CacheClient, KeyedClient, TunnelOwner
{
  deadlineAt: number = Infinity
  wheelTick: number = -1
  upgrade = ''
  span: Span | null = null
  readonly body: RequestBody = new RequestBody()
  readonly terms: RequestTerms = new RequestTerms()
  readonly #attempts: Attempts
  readonly #plane: DataPlane
  /** These two stand for nobody once a client has gone for whom the request is finished all the same. */
  #client: Client
  #response: ClientResponse
  readonly #forwarded: ForwardedHead
  readonly #chain: FilterChain
  readonly #freshCookie: () => string
  #state: ExchangeState = 'idle'
  /** Counts requests, so that what was begun for one is not finished for the next. */
  #generation = 0
  #runtime: Runtime | null = null
  #route: Route | null = null
  /** What endpoints are asked for: `path`, or what the route makes of it. */
  #forwardedPath = ''
  #tunnel: UpgradeTunnel | null = null
  #switchedAt = 0
  #paused = false
  #continueSent = false
  #requestDeadlineAt = Infinity
  #perTryMs = Infinity
  /** Whom to ask once the body is here. */
  #service: Service | null = null
  #requestMs = 0
  #answeredBy: AnsweredBy = 'gateway'
  #reason = ''
  #status = 0
  #usedFallbackService = false
  /** Made for the first request of a route with a cache. */
  #turn: CacheTurn | null = null
  #work: WorkUnderWay | null = null
  /** Asked when what is waited for has not come in time. */
  #waiter: Waiter | null = null
  /** What is done once under its key; null for other requests. */
  #keyed: KeyedWrite | null = null
  /** To be shown this request once its body is complete. */
  #mirror: Mirror | null = null
  /** Of a write whose service has owners. */
  #belonging: Belonging | null = null

  constructor(plane: DataPlane, client: Client) {
    super(client)
    this.#plane = plane
    this.#client = client
    this.#response = client.response
    this.#forwarded = new ForwardedHead(plane.identity)
    this.#freshCookie = () => plane.identity.cookieValue()
    this.#chain = new FilterChain((problem) => plane.warn(`route ${this.route}: ${problem}`))
    this.#attempts = new Attempts(plane, this)
  }

  /** A request is under way. */
  get busy(): boolean {
    return this.#state !== 'idle'
  }

  get route(): string {
    return this.#route?.name ?? ''
  }

  // From the client.

  /**
   * Begins with the head that `client.head` holds and the bytes behind it, from `start` on. Returns where in
   * `bytes` this request ends.
   */
  begin(now: number, bytes: Buffer, start: number): number {
    const head = this.#client.head
    const runtime = this.#plane.runtime
    this.#generation++
    this.#runtime = runtime
    runtime.exchanges++
    this.#state = 'attempting'
    this.upgrade = ''
    this.#belonging = null
    this.#tunnel = null
    this.#route = null
    this.#chain.begin(NO_FILTERS)
    this.#paused = false
    this.#continueSent = false
    this.#answeredBy = 'gateway'
    this.#reason = ''
    this.#status = 0
    this.#usedFallbackService = false
    this.#attempts.reset()
    this.#response.bytes = 0
    this.renew(now)
    this.terms.read(head, this.#client.listener.trustForwarded, now)
    this.requestId = this.#forwarded.requestId(head)
    this.span = runtime.tracer === null ? null : runtime.tracer.begin(head)
    if (this.span !== null) head.fields.set('traceparent', this.span.traceparent)
    const tooLarge = this.body.begin(head, this.#client.listener.limits.bodyBytes)
    // `OPTIONS *` asks about no resource: only routes without a path can match it.
    const target = head.target === '*' ? asterisk : normalizeTarget(head.target)
    if (tooLarge !== null) this.#refuse(tooLarge)
    else if (target === null) this.#refuse('bad_target')
    if (tooLarge !== null || target === null) return bytes.length
    this.path = target.path
    this.query = target.query
    const end = this.body.take(bytes, start)
    if (typeof end !== 'number') {
      this.#refuse(end)
      return bytes.length
    }
    this.#findRoute(runtime)
    return end
  }

  /** More of the request's body. Returns where in `bytes` the request ends. */
  onRequestBytes(bytes: Buffer, start: number): number {
    const before = this.body.bytes
    const end = this.#takeBody(bytes, start)
    if (this.body.bytes === before || this.#state === 'idle') return end
    const now = this.#plane.clock.now()
    const { bodyRate, bodyGrace } = this.#client.listener.limits
    if (!this.body.complete && this.body.isTooSlow(now, bodyRate, bodyGrace)) {
      this.#endBody('body_timeout')
      return bytes.length
    }
    // A client that is still sending cannot be waiting yet: the clock for the answer starts behind the request.
    if (this.#state !== 'filtering' && this.#state !== 'working') this.#startClock(now)
    if (this.#state === 'receiving') {
      if (this.body.complete) this.#onReceived(now)
      return end
    }
    if (!this.#attempts.sendMore() || (this.body.overfull && !this.#attempts.sending)) this.#pause()
    return end
  }

  onClientDrain(): void {
    if (this.#state === 'relaying') this.#waitForProgress()
    this.#attempts.resume()
  }

  /** The client has gone. */
  abort(): void {
    if (this.#state === 'idle') return
    if (this.#keyed?.outlives() === true) return this.#goOnAlone()
    this.#answeredBy = this.#state === 'relaying' ? 'upstream' : 'aborted'
    this.#reason = 'client_closed'
    if (this.#status === 0) this.#status = CLIENT_CLOSED
    this.#attempts.cancel()
    this.#end(false)
  }

  onDeadline(now: number): void {
    if (this.#state === 'filtering') return this.#answerError('filter_failed')
    if (this.#state === 'receiving') return this.#refuse('body_timeout')
    if (this.#state === 'caching') return this.#waiter!.onDeadline()
    if (this.#state === 'relaying') return this.#onStalled(now)
    if (this.#state !== 'attempting') return
    if (now < this.#requestDeadlineAt) return this.#attempts.onTimeout(now, false)
    if (!this.body.complete && !this.#paused) {
      // The endpoint cannot be blamed for an answer to a request that it does not have yet.
      this.#attempts.cancel()
      return this.#refuse('body_timeout')
    }
    this.#attempts.onTimeout(now, true)
  }

  // From the attempt.

  get replayable(): boolean {
    return this.body.replayable
  }

  get requestDeadlineAt(): number {
    return this.#requestDeadlineAt
  }

  /** The request's head as endpoints see it. */
  headText(): string {
    return this.#forwarded.text(this.#forwardedPath, this, this.#client.head, this.#client)
  }

  get leaving(): Leaving {
    return this.#usedFallbackService ? 'not' : (this.#belonging?.leaving ?? 'may')
  }

  arrivedHeadText(): string {
    return this.#forwarded.arrivedText(this.path, this, this.#client.head, this.#client)
  }

  get forwardedPath(): string {
    return this.#forwardedPath
  }

  /** On whose behalf calls of the gateway's own are made for this request. */
  callOrigin(): CallOrigin {
    // A copy: the calls may last longer than the request.
    const { priority, attemptedBy, deadlineAt } = this.terms
    const origin = this.#forwarded.callOrigin(this, this.#client.head, this.#client)
    const authority = this.#route!.rewriteHost ?? origin.authority
    return { ...origin, authority, terms: { priority, attemptedBy, deadlineAt } }
  }

  /** An attempt begins: until when may it last? */
  onAttempt(now: number, mayFollow: boolean): void {
    this.#state = 'attempting'
    this.deadlineAt = attemptDeadline(this.#requestDeadlineAt, mayFollow ? this.#perTryMs : Infinity, now)
    this.#plane.wheel.schedule(this)
  }

  /** No attempt is to be cut short now: the request's own deadline counts. */
  onPause(): void {
    this.deadlineAt = this.#requestDeadlineAt
    this.#plane.wheel.schedule(this)
  }

  /** Whether something else would answer if the service does not. */
  get hasFallback(): boolean {
    if (this.#turn?.standIn() !== undefined) return true
    const { fallback } = this.#route!
    return fallback !== null && fallback.choose(this.method, this.#serviceLeft()) !== 'none'
  }

  /** The request has been sent as far as it has arrived. */
  onSent(): void {
    if (this.#keyed !== null) this.#keyed.sends++
    this.#continue()
    this.onWritable()
  }

  /** The endpoint takes more of the body. */
  onWritable(): void {
    if (!this.#paused) return
    this.#paused = false
    this.body.measureAnew()
    this.#client.resume()
  }

  /** An answer to pass on has begun. */
  onResponse(connection: UpstreamConnection): void {
    const { head } = connection
    this.#state = 'relaying'
    this.terms.deadlineAt = Infinity // It was for this moment; from here on only silence ends the answer.
    this.#waitForProgress()
    // Another service's answer is not that of this route.
    if (this.#turn !== null && !this.#usedFallbackService && this.#turn.onResponse(head)) return
    if (this.#keyed === null || !this.#keyed.onResponse(head)) this.#passOn(head)
  }

  /** False when a filter would not have it. */
  #passOn(head: ResponseHead): boolean {
    this.#status = head.status
    this.#answeredBy = this.#answering
    if (this.#chain.hasPassed && !this.#chain.onResponse(this, responseView(head))) {
      this.#attempts.cancel()
      this.#answerError('filter_failed')
      return false
    }
    this.#response.begin(head, this.#keepsAlive(), this.requestIdLine + this.#addedLines())
    return true
  }

  /** The endpoint has granted the upgrade. */
  onUpgraded(connection: UpstreamConnection, endpoint: Endpoint, rest: Uint8Array): void {
    const { fields, status } = connection.head
    if (this.#chain.hasPassed && !this.#chain.onResponse(this, responseView(connection.head))) {
      connection.destroy()
      endpoint.load.leave()
      return this.#answerError('filter_failed')
    }
    const { name, config } = this.#service!
    const purpose = { route: this.route, service: name, endpoint, idleMs: config.timeouts.tunnel }
    this.#state = 'tunnelling'
    this.#status = status
    this.#answeredBy = this.#answering
    this.deadlineAt = Infinity
    this.#switchedAt = this.#plane.clock.now()
    this.#tunnel = new UpgradeTunnel(this.#plane, this, purpose, this.#client.tunnelEnd!, connection)
    connection.join(this.#tunnel)
    this.#client.join(this.#tunnel, this.upgrade, fields.passOn() + this.requestIdLine + this.#addedLines())
    if (rest.length > 0 && !this.#tunnel.fromUpstream(rest, 0, rest.length)) connection.pause()
  }

  onTunnelEnd(reason: string): void {
    this.#reason = reason
    this.body.bytes = this.#tunnel!.bytesIn
    this.#response.bytes = this.#tunnel!.bytesOut
    this.#end(false)
  }

  /** A part of the answer's body. False when the client takes no more for now. */
  onResponseBytes(
    _connection: UpstreamConnection,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean {
    if (this.#turn?.holding === true) {
      if (last) this.#turn.onHeldEnd()
      return true
    }
    if (this.#keyed?.holding === true) return this.#keyed.onBytes(bytes, start, end, last)
    const flowing = this.#response.write(text, bytes, start, end, last)
    this.#turn?.onBytes(text, bytes, start, end, last)
    if (last) this.#end(this.#response.keepAlive)
    else if (flowing) this.#waitForProgress()
    else this.#waitForClient()
    return flowing
  }

  /** The answer broke off: what the client has must not look complete. */
  onResponseTruncated(): void {
    if (this.#turn?.holding === true) return this.#turn.onHeldEnd()
    if (this.#keyed?.holding === true) return this.#keyed.onTruncated()
    this.#cutOff('upstream_reset')
  }

  /** No attempt gave an answer to pass on: the fallback answers, or the error `code`. */
  onAttemptsFailed(code: ErrorCode): void {
    this.#reason = code
    const kept = this.#turn?.standIn()
    if (kept !== undefined) return this.#turn!.giveStandIn(kept)
    this.#turn?.onFailed()
    const { fallback } = this.#route!
    switch (fallback?.choose(this.method, this.#serviceLeft())) {
      case 'service':
        this.#usedFallbackService = true
        return this.#useService(fallback!.service!, this.#plane.clock.now())
      case 'json':
        return this.#answer(fallback!.reply!, 'fallback-json')
      case 'none':
      case undefined:
        if (this.#keyed === null) this.#answerError(code)
        else this.#keyed.onFailed(code)
    }
  }

  #serviceLeft(): boolean {
    // A write is done where its owner is, or nowhere.
    return !this.#usedFallbackService && this.body.replayable && this.#belonging === null
  }

  // The path of a request.

  #findRoute(runtime: Runtime): void {
    const { challenges } = this.#plane
    const answer = challenges === null ? null : challengeReply(challenges, this)
    if (answer !== null) return this.#answer(answer, 'gateway')
    const index = runtime.router.match(this)
    if (index === -1) return this.#answerError('no_route')
    const route = runtime.routes[index]!
    this.#route = route
    this.#plane.metrics.routed(route.row)
    if (this.#client.head.upgrade !== '' && !this.#mayUpgrade(route)) return this.#refuse('bad_upgrade')
    this.#forwardedPath = route.rewrites ? runtime.router.rewrite(index, this) : this.path
    this.terms.priority = route.priority.of(this)
    if (route.owned) this.#client.head.fields.keep()
    if (this.#plane.guard?.sheds(this.terms.priority) === true)
      return this.onAttemptsFailed('gateway_overloaded')
    if (route.filters.length === 0) return this.#forward(this.now)
    this.#chain.begin(route.filters)
    this.#filter(this.now)
  }

  /** Takes over an upgrade that the route allows; false when it is asked for in a way that two readers could take for two messages. */
  #mayUpgrade(route: Route): boolean {
    const { upgrade, framing, method } = this.#client.head
    if (this.#client.tunnelEnd === null || !route.tunnels(upgrade)) return true
    this.upgrade = upgrade
    return framing === 'none' && method === 'GET'
  }

  #filter(now: number): void {
    let result: Reply | undefined | Promise<Reply | undefined>
    try {
      result = this.#chain.onRequest(this)
    } catch {
      return this.#answerError('filter_failed')
    }
    if (result === undefined) this.#forward(now)
    else if (result instanceof Promise) this.#await(result)
    else this.#answer(result, 'filter')
  }

  #await(promised: Promise<Reply | undefined>): void {
    const generation = this.#generation
    this.#state = 'filtering'
    this.deadlineAt = this.now + this.#route!.requestMs
    this.#plane.wheel.schedule(this)
    promised.then(
      (reply) => {
        if (this.#generation !== generation || this.#state !== 'filtering') return
        this.#state = 'attempting'
        // The time that filters took is not the service's.
        if (reply === undefined) this.#filter(this.#plane.clock.now())
        else this.#answer(reply, 'filter')
      },
      (error: unknown) => {
        if (this.#generation !== generation || this.#state !== 'filtering') return
        this.#chain.onRejected(error)
        this.#answerError('filter_failed')
      },
    )
  }

  #forward(now: number): void {
    const { ownAnswer, ownWork, sticky, split, keys, owned } = this.#route!
    if (ownAnswer !== null) return this.#answer(ownAnswer(this, this.#forwardedPath), 'route')
    if (ownWork !== null) return this.#receiveFor(ownWork, now)
    if (split !== null) this.release = this.#route!.releaseOf(this, this.#plane.random)
    // Before the cache: what is for one client is kept for nobody else.
    if (sticky !== null && sticky.cookie !== null) this.giveCookie(sticky.cookie, this.#freshCookie)
    const keyed = keys !== null && keys.takes(this.method)
    if (owned && isWrite(this.method))
      this.#belonging = belongingOf(this.#plane, this.#route!, this, this.#client.head, keyed)
    // Another gateway gives the cookies of its answer.
    if (this.#belonging?.elsewhere === true) this.cookieLines = ''
    if (!keyed || this.#belonging?.elsewhere === true) return this.proceed(now)
    this.#keyed = new KeyedWrite(this.#plane, this, keys, this.#route!.longestMs)
    this.#keyed.begin()
  }

  /** Asks the cache, or the service. */
  proceed(now: number = this.#plane.clock.now()): void {
    const { cache } = this.#route!
    if (cache === null || this.upgrade !== '' || !cache.isFor(this)) return this.forward(now)
    this.#turn ??= new CacheTurn(this.#plane, this)
    this.#turn.begin(cache)
  }

  // From the cache.

  /** Whom a call on this request's behalf asks, and for how long. */
  callService(): ServiceChoice | null {
    return this.#route!.chooseFor(this, this.#plane.random)
  }

  waitUntil(deadlineAt: number, waiter: Waiter): void {
    this.#state = 'caching'
    this.#waiter = waiter
    this.deadlineAt = Math.min(deadlineAt, this.terms.deadlineAt)
    this.#plane.wheel.schedule(this)
  }

  giveKept(answer: Answer, by: AnsweredBy, extra: string): void {
    if (!this.#chain.hasPassed) return this.#send(answer, by, extra)
    const edited = editableAnswer(answer)
    if (this.#chain.onResponse(this, edited)) this.#send(edited.answer(), by, extra)
    else this.#answerError('filter_failed')
  }

  refuseUnkept(code: ErrorCode): void {
    this.#answerError(code)
  }

  // From a keyed write.

  get repeatable(): boolean {
    return isIdempotentMethod(this.method) || this.#keyed?.mayRetry === true
  }

  receive(now: number): void {
    this.#requestMs = this.#route!.requestMs
    this.#startClock(now)
    this.#receive()
  }

  giveHeld(answer: Answer): void {
    if (this.#attempts.owned?.mayAcknowledge() === false) return this.#answerError('write_unacknowledged')
    this.giveKept(answer, this.#answering, this.#addedLines())
  }

  passHeld(head: ResponseHead, parts: readonly Buffer[]): void {
    if (this.#attempts.owned?.mayAcknowledge() === false) {
      this.#attempts.cancel()
      return this.#answerError('write_unacknowledged')
    }
    this.#state = 'relaying'
    this.#waitForProgress()
    if (!this.#passOn(head)) return
    let flowing = true
    for (const part of parts) flowing = this.#response.write(undefined, part, 0, part.length, false)
    if (flowing) this.#attempts.resume()
    else this.#waitForClient()
  }

  #goOnAlone(): void {
    this.#client = new GoneClient(this.#client, this.#plane)
    this.#response = this.#client.response
    // Its connection has taken it from the wheel.
    this.#plane.wheel.schedule(this)
  }

  /** Asks the service. */
  forward(now: number = this.#plane.clock.now()): void {
    this.#state = 'attempting'
    const { rewriteHost, mirror } = this.#route!
    if (rewriteHost !== null) this.#client.head.fields.set('host', rewriteHost)
    if (mirror !== null && this.#belonging?.elsewhere !== true && mirror.wants(this, this.#plane.random))
      this.#mirror = mirror
    if (this.body.complete) this.#show()
    const service = this.#belonging?.service ?? this.#route!.chooseService(this, this.#plane.random)
    if (service === null) return this.onAttemptsFailed('no_endpoint')
    // A filter may have written the header that says it.
    if (this.#chain.hasPassed) this.terms.priority = this.#route!.priority.of(this)
    this.#useService(service, now)
  }

  /** Takes a body in whole where the route's work wants one. */
  #receiveFor(work: OwnWork, now: number): void {
    const { bodyBytes, answeredBy } = work
    const refusal = work.refusal(this)
    if (refusal !== null) return this.#answer(refusal, answeredBy)
    if (bodyBytes !== null && !this.body.limit(bodyBytes)) return this.#refuse('body_too_large')
    if (bodyBytes === null || this.body.complete) return this.#begin(work)
    this.receive(now)
  }

  /** What filters have waited for may have paused the client. */
  #receive(): void {
    this.#state = 'receiving'
    this.#continue()
    this.onWritable()
  }

  #onReceived(now: number): void {
    const { ownWork } = this.#route!
    if (this.#keyed?.receiving === true) this.#keyed.onBody()
    else if (ownWork === null) this.#ask(this.#service!, now)
    else this.#begin(ownWork)
  }

  #begin(work: OwnWork): void {
    this.#state = 'working'
    this.deadlineAt = Infinity
    this.#work = work.begin(this.#plane, this, (reply, reason) => {
      this.#reason = reason
      this.#answer(reply, work.answeredBy)
    })
    this.#work.start()
  }

  parameters(): Readonly<Record<string, string | undefined>> {
    return this.#runtime!.router.parameters(this.#route!.index, this)
  }

  /** Shows the request to its mirror, if it has one and that has not seen it yet. */
  #show(): void {
    const mirror = this.#mirror
    this.#mirror = null
    mirror?.send(this.#plane, this)
  }

  #useService(service: Service, now: number): void {
    const route = this.#route!
    if (service.cookie !== null && this.#belonging?.elsewhere !== true)
      this.giveCookie(service.cookie, this.#freshCookie)
    this.#service = service
    this.#requestMs = route.requestMsFor(service)
    this.#perTryMs = route.perTryMsFor(service)
    this.body.keepUpTo(Math.max(service.retry.bodyBytes, this.#mirror?.bodyBytes ?? 0))
    this.#startClock(now)
    if (!this.body.shortlyWhole) return this.#ask(service, now)
    this.#receive()
  }

  #continue(): void {
    if (this.body.complete || !this.#client.head.expectsContinue || this.#continueSent) return
    this.#continueSent = true
    this.#client.sendContinue()
  }

  #ask(service: Service, now: number): void {
    this.#state = 'attempting'
    this.#attempts.begin(service, now)
  }

  #startClock(now: number): void {
    this.#requestDeadlineAt = Math.min(now + this.#requestMs, this.terms.deadlineAt)
    this.deadlineAt = this.#requestDeadlineAt
    this.#plane.wheel.schedule(this)
  }

  /** While bytes of the answer move, the request's time begins anew with each of them. */
  #waitForProgress(): void {
    this.#startClock(this.#plane.clock.now())
  }

  /** A client that does not read on is given as long as one that does not ask on. */
  #waitForClient(): void {
    this.deadlineAt = this.#plane.clock.now() + this.#client.listener.limits.idle
    this.#plane.wheel.schedule(this)
  }

  #onStalled(now: number): void {
    if (this.#attempts.paused) return this.#cutOff('client_stalled')
    // An endpoint may wait for the rest of the request with the rest of its answer.
    if (this.body.complete) this.#attempts.onStalled(now)
    if (this.#turn?.holding === true) return this.#turn.onHeldEnd()
    this.#cutOff('upstream_timeout')
  }

  #takeBody(bytes: Buffer, start: number): number {
    const end = this.body.take(bytes, start)
    if (typeof end === 'number') return end
    this.#endBody(end)
    return bytes.length
  }

  /** The rest of the body is not wanted. */
  #endBody(code: ErrorCode): void {
    this.#attempts.cancel()
    if (this.#state === 'relaying') this.#cutOff(code)
    else this.#refuse(code)
  }

  #pause(): void {
    this.#paused = true
    this.#client.pause()
  }

  /** The connection is kept only when nothing of this request is left on it. */
  #keepsAlive(): boolean {
    return this.#client.head.keepAlive && this.body.complete && !this.#plane.draining
  }

  /** Who answers if it is an endpoint. */
  get #answering(): AnsweredBy {
    return this.#usedFallbackService ? 'fallback-service' : 'upstream'
  }

  /** What the gateway adds to an endpoint's answer beside the request's id. */
  #addedLines(): string {
    const lines = this.cookieLines + (this.#turn?.lines ?? '') + (this.#attempts.owned?.echo(this) ?? '')
    return this.#usedFallbackService ? `${lines}X-Budao-Fallback: service\r\n` : lines
  }

  // Answers of the gateway's own.

  #answerError(code: ErrorCode): void {
    this.#reason = code
    const { status, message } = errorCodes[code]
    const { retryAfterMs, owned } = this.#attempts
    const headers = refusalHeaders(code, retryAfterMs, this.#plane.random, owned)
    this.#answer(errorReply(status, code, message, headers), 'gateway')
  }

  /** An error that leaves the rest of the connection unreadable. */
  #refuse(code: ErrorCode): void {
    this.#client.head.keepAlive = false
    this.#plane.metrics.refused(code)
    this.#answerError(code)
  }

  #answer(reply: Reply, by: AnsweredBy): void {
    let answer = reply
    if (this.#chain.hasPassed) {
      const edited = editableReply(reply)
      // A chain that failed has nothing left to pass, so this does not come round again.
      if (!this.#chain.onResponse(this, edited)) return this.#answerError('filter_failed')
      answer = edited.reply()
    }
    this.#send(answerOf(answer), by)
  }

  #send(answer: Answer, by: AnsweredBy, extra = ''): void {
    this.#status = answer.status
    this.#answeredBy = by
    const keepAlive = this.#keepsAlive()
    this.#response.send(answer, keepAlive, this.requestIdLine + extra)
    this.#end(keepAlive)
  }

  #cutOff(reason: string): void {
    this.#reason = reason
    this.#turn?.onTruncated()
    this.#attempts.cancel()
    this.#client.cutOff()
    this.#end(false)
  }

  #end(keepAlive: boolean): void {
    const now = this.#plane.clock.now()
    const route = this.#route
    const runtime = this.#runtime!
    this.#state = 'idle'
    this.deadlineAt = Infinity
    this.#turn?.end()
    this.#work?.cancel()
    this.#keyed?.end()
    this.#keyed = null
    this.#show()
    this.body.release()
    if (route !== null) this.#account(route, now)
    else this.#plane.metrics.unrouted(this.#status)
    if (route?.logs === true || this.span !== null) this.#tell(runtime, now)
    this.#work = null
    runtime.exchanges--
    this.#runtime = null
    this.#plane.onExchangeEnd(runtime)
    if (this.#paused) this.onWritable()
    this.#client.onExchangeEnd(keepAlive)
  }

  #account(route: Route, now: number): void {
    const durationMs = now - this.now
    // A tunnel says nothing of how fast the service is, its beginning does.
    const answeredMs = this.#tunnel === null ? durationMs : this.#switchedAt - this.now
    this.#plane.metrics.exchange(route.row, this.#status, answeredMs, this.#attempts.count, this.#answeredBy)
  }

  #tell({ tracer }: Runtime, now: number): void {
    const record = exchangeRecord({
      status: this.#status,
      requestBytes: this.body.bytes,
      responseBytes: this.#response.bytes,
      durationMs: now - this.now,
      attempts: this.#attempts,
      release: this.release,
      answeredBy: this.#answeredBy,
      reason: this.#reason,
      marks: this.marks,
      parts: this.#work?.records,
    })
    this.#chain.onEnd(this, record)
    if (this.span !== null) tracer!.end(this.span, this, record)
  }
}
