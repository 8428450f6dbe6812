import { attemptDeadline, isIdempotentMethod } from '@budao/resilience'
import { Attempts } from './attempts.ts'
import { plainTerms, type CallTerms } from '../exchange/call-terms.ts'
import type { Caller } from './caller.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import type { ErrorCode } from '../errors.ts'
import type { FilterRequest } from '../filters/filter.ts'
import { hostOf } from '../exchange/forwarded-head.ts'
import { valueIn } from '../exchange/header-lines.ts'
import { ChunkScanner } from '../http/chunk-scanner.ts'
import { RequestBody } from '../exchange/request-body.ts'
import type { Endpoint, Service } from '../service/service.ts'
import type { Shadow } from '../service/shadow.ts'
import type { Timed } from '../threads/timer-wheel.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** On whose behalf a call is made: what endpoints, and a balance by hash, are to know of the client. */
export interface CallOrigin {
  /** The Host that endpoints see. */
  readonly authority: string
  readonly scheme: 'http' | 'https'
  readonly clientIp: string
  /** Class, deadline and repetition of the request that the call is made for. Absent: it stands for itself. */
  readonly terms?: CallTerms
  /** Header lines with their line ends: X-Forwarded-*, request id, trace. */
  readonly lines: string
}

/** A client's request that calls of the gateway's own are made for. */
export interface CallSource extends FilterRequest {
  readonly body: RequestBody
  /** The client's path, or what the route makes of it. */
  readonly forwardedPath: string
  /** The header lines that an endpoint would get, in latin1. */
  readonly forwardedLines: string
  /** One trace for all calls made with it. */
  callOrigin(): CallOrigin
}

/** What a call asks for. It has been checked: nothing here is looked at again before it goes on the wire. */
export interface CallRequest {
  readonly service: Service
  readonly origin: CallOrigin
  readonly method: string
  /** In the normal form of `normalizeTarget`. */
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  /** More header lines with their line ends, in latin1. None of Host, Content-Length or Transfer-Encoding. */
  readonly lines: string
  readonly body?: Buffer
  /** Monotonic milliseconds: until when the whole answer must be there, all attempts included. */
  readonly deadlineAt: number
  /** A longer body is given up. */
  readonly bytesMax: number
  /** The body is read, so that its connection can be used again, and thrown away. */
  readonly discards?: boolean
  /** A copy for a release that has no users yet. Absent: stable is asked. */
  readonly copyFor?: { readonly release: string; readonly shadow: Shadow }
}

/** A complete answer, whatever its status. */
export interface CallAnswer {
  readonly status: number
  /** Header lines with their line ends as the endpoint sent them, less those meant for this hop. */
  readonly lines: string
  /** Free of chunks. Content-Encoding, if the answer has one, still applies. */
  readonly body: Buffer
}

/** Why a call has no answer. */
export type CallFailure = ErrorCode | 'answer_too_large'

/** Who waits for a call. Exactly one of these ends a call that was not cancelled, perhaps before `start` has returned. */
export interface CallUser {
  onCallAnswer(call: BackendCall, answer: CallAnswer): void
  onCallFailed(call: BackendCall, code: CallFailure): void
}

/**
 * asking   an endpoint has been asked, or is about to be
 * reading  its answer is arriving
 * ended    answered, failed or cancelled, or not begun
 */
type State = 'asking' | 'reading' | 'ended'

const nothing = Buffer.alloc(0)

/**
 * A call of the gateway's own: asks a service as a client's exchange does, with its choice of endpoints, retries,
 * breaker, budget and counts, and collects the answer within a deadline and a size. One object makes one call.
 */
export class BackendCall implements Caller, Timed {
  deadlineAt: number = Infinity
  wheelTick: number = -1
  readonly body: RequestBody = new RequestBody()
  readonly release: string
  readonly shadow: Shadow | null
  readonly #plane: DataPlane
  readonly #request: CallRequest
  readonly #user: CallUser
  readonly #attempts: Attempts
  #state: State = 'ended'
  #perTryMs = Infinity
  #parts: Buffer[] = []
  #bytes = 0
  #scanner: ChunkScanner | null = null

  constructor(plane: DataPlane, request: CallRequest, user: CallUser) {
    this.#plane = plane
    this.#request = request
    this.#user = user
    this.release = request.copyFor?.release ?? ''
    this.shadow = request.copyFor?.shadow ?? null
    this.#attempts = new Attempts(plane, this)
  }

  /** The same, waited for by a promise: the answer, or why there is none. */
  static ask(plane: DataPlane, request: CallRequest): Promise<CallAnswer | CallFailure> {
    return new Promise((resolve) => {
      new BackendCall(plane, request, {
        onCallAnswer: (_call, answer) => resolve(answer),
        onCallFailed: (_call, code) => resolve(code),
      }).start()
    })
  }

  start(): void {
    const { service, deadlineAt, body = nothing } = this.#request
    const now = this.#plane.clock.now()
    this.#state = 'asking'
    this.body.hold(body)
    this.#perTryMs = Math.min(service.config.timeouts.perTry, (deadlineAt - now) / 2)
    this.onPause()
    this.#attempts.begin(service, now)
  }

  /** Nobody waits for the answer any more. Harmless when the call has ended. */
  cancel(): void {
    if (this.#state === 'ended') return
    this.#end()
    this.#attempts.cancel()
  }

  /** The endpoint asked last; null when none was. */
  get endpoint(): Endpoint | null {
    return this.#attempts.endpoint
  }

  /** Attempts made. */
  get attempts(): number {
    return this.#attempts.count
  }

  // What balancing sees.

  get method(): string {
    return this.#request.method
  }

  get scheme(): 'http' | 'https' {
    return this.#request.origin.scheme
  }

  /** It came in by none. */
  get listener(): string {
    return ''
  }

  get host(): string {
    return hostOf(this.#request.origin.authority)
  }

  get path(): string {
    return this.#request.path
  }

  get query(): string {
    return this.#request.query
  }

  get clientIp(): string {
    return this.#request.origin.clientIp
  }

  header(name: string): string | undefined {
    return name === 'host' ? this.#request.origin.authority : valueIn(this.#request.lines, name)
  }

  // From the attempts.

  get terms(): CallTerms {
    return this.#request.origin.terms ?? plainTerms
  }

  get requestDeadlineAt(): number {
    return this.#request.deadlineAt
  }

  get toHead(): boolean {
    return this.#request.method === 'HEAD'
  }

  get replayable(): boolean {
    return true
  }

  get repeatable(): boolean {
    return isIdempotentMethod(this.#request.method)
  }

  get hasFallback(): boolean {
    return false
  }

  /** Its exchange is traced, if any. */
  get span(): null {
    return null
  }

  get upgrade(): string {
    return ''
  }

  /** What a call writes, it writes here or not at all. */
  get leaving(): 'not' {
    return 'not'
  }

  get rectified(): boolean {
    return false
  }

  get epochHint(): number {
    return 0
  }

  /** Never asked for. */
  onUpgraded(): void {}

  headText(): string {
    const { method, path, query, origin, lines, body } = this.#request
    const target = query === '' ? path : `${path}?${query}`
    const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`
    return `${method} ${target} HTTP/1.1\r\nHost: ${origin.authority}\r\n${lines}${origin.lines}${length}\r\n`
  }

  arrivedHeadText(): string {
    return this.headText()
  }

  onAttempt(now: number, mayFollow: boolean): void {
    this.deadlineAt = attemptDeadline(this.#request.deadlineAt, mayFollow ? this.#perTryMs : Infinity, now)
    this.#plane.wheel.schedule(this)
  }

  onPause(): void {
    this.deadlineAt = this.#request.deadlineAt
    this.#plane.wheel.schedule(this)
  }

  /** The body was there from the beginning: nobody waits for these two. */
  onSent(): void {}

  onWritable(): void {}

  onResponse({ head }: UpstreamConnection): void {
    this.#state = 'reading'
    this.onPause()
    if (head.framing === 'chunked') this.#scanner = new ChunkScanner({ allowExtensions: true })
    else if (head.framing === 'length' && head.contentLength > this.#request.bytesMax) this.#giveUp()
  }

  onResponseBytes(
    { head }: UpstreamConnection,
    _text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): boolean {
    if (this.#scanner === null) this.#take(bytes, start, end)
    else this.#scanner.scan(bytes, start, end, (from, to) => this.#take(bytes, from, to))
    if (this.#bytes > this.#request.bytesMax) this.#giveUp()
    else if (last) {
      this.#end()
      const body = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
      this.#user.onCallAnswer(this, { status: head.status, lines: head.fields.passOn(), body })
    }
    return true
  }

  onResponseTruncated(): void {
    this.#fail('upstream_reset')
  }

  onAttemptsFailed(code: ErrorCode): void {
    this.#fail(code)
  }

  onDeadline(now: number): void {
    if (this.#state === 'ended') return
    if (this.#state === 'asking') return this.#attempts.onTimeout(now, now >= this.#request.deadlineAt)
    this.#attempts.onStalled(now)
    this.#fail('upstream_timeout')
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes += end - start
    if (this.#request.discards || end === start || this.#bytes > this.#request.bytesMax) return
    this.#parts.push(Buffer.from(bytes.subarray(start, end)))
  }

  /** Too much: said of the call, not of the endpoint's health. */
  #giveUp(): void {
    this.cancel()
    this.#user.onCallFailed(this, 'answer_too_large')
  }

  #fail(code: ErrorCode): void {
    if (this.#state === 'ended') return
    this.#end()
    this.#user.onCallFailed(this, code)
  }

  #end(): void {
    this.#state = 'ended'
    this.#plane.wheel.cancel(this)
    this.body.release()
  }
}
