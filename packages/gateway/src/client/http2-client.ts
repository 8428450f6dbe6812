import { constants, type ServerHttp2Stream } from 'node:http2'
import type { ListenerConfig } from '@budao/model'
import { answerOf } from '../exchange/answer-text.ts'
import type { Client, HttpVersion } from './client.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { errorCodes, type ErrorCode } from '../errors.ts'
import { Exchange } from '../exchange/exchange.ts'
import { http2Head } from '../http/http2-head.ts'
import { RequestHead } from '../http/request-head.ts'
import { trustOf } from '../exchange/trust.ts'
import type { Http2Connection } from './http2-connection.ts'
import { Http2Response } from './http2-response.ts'
import { errorReply } from '../exchange/reply.ts'
import type { Timed } from '../threads/timer-wheel.ts'

/**
 * free      waits for a stream
 * exchange  its request is being answered
 * answered  all of the answer is written; what the client has not taken of it is still to leave
 * over      reset, by either side; only its end is awaited
 */
type State = 'free' | 'exchange' | 'answered' | 'over'

const BROKEN_OFF = new Error('the answer broke off')
const NOTHING = Buffer.alloc(0)
const CRLF = Buffer.from('\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** One stream of HTTP/2 at a time, as a client. Its connection uses it for one after the other. */
export class Http2Client implements Client, Timed {
  /** Until when the client must have taken the rest of an answer. */
  deadlineAt: number = Infinity
  wheelTick: number = -1
  readonly head: RequestHead
  readonly listener: ListenerConfig
  readonly remoteAddress: string
  readonly httpVersion: HttpVersion = '2'
  readonly response: Http2Response
  readonly #plane: DataPlane
  readonly #connection: Http2Connection
  readonly #exchange: Exchange
  readonly #handlers: readonly (readonly [event: string, handler: (bytes: Buffer) => void])[]
  #state: State = 'free'
  #stream: ServerHttp2Stream | null = null
  #chunked = false
  /** The client did not wait for its answer. */
  #cancelled = false

  constructor(plane: DataPlane, connection: Http2Connection) {
    this.#plane = plane
    this.#connection = connection
    this.listener = connection.listener
    this.remoteAddress = connection.remoteAddress
    this.response = new Http2Response(this)
    this.head = new RequestHead(trustOf(this.listener))
    this.#exchange = new Exchange(plane, this)
    // Made once for all streams that this object will serve: none has any left behind its `close`.
    this.#handlers = [
      ['data', (bytes) => this.#onData(bytes)],
      ['end', () => this.#onEnd()],
      ['drain', () => this.#onDrain()],
      ['aborted', () => this.#onAborted()],
      // Said again by `close`; without a listener it would end the process.
      ['error', () => {}],
      ['close', () => this.#onClose()],
    ]
  }

  get scheme(): 'http' | 'https' {
    return this.listener.protocol === 'https' ? 'https' : 'http'
  }

  /** Its request goes on without it: it cannot serve another stream. */
  get spent(): boolean {
    return this.#exchange.busy
  }

  /** A request has come on `stream`: its fields, and whether they are all of it. */
  begin(stream: ServerHttp2Stream, fields: readonly string[], endsHere: boolean): void {
    this.#stream = stream
    for (const [event, handler] of this.#handlers) stream.on(event, handler)
    const head = http2Head(fields, endsHere)
    if (head === null) return this.#reject()
    this.#chunked = head.chunked
    const { headerBytes, headers } = this.listener.limits
    // The other side of the session holds to the limit only once the client has acknowledged it.
    if (head.text.length > headerBytes) return this.#refuse('head_too_large')
    const wrong = this.head.read(head.text, head.text.length, headers)
    if (wrong !== null) return this.#refuse(wrong)
    for (const [name, value] of this.#connection.certificate ?? []) this.head.fields.set(name, value)
    this.#state = 'exchange'
    this.#exchange.begin(this.#plane.clock.now(), NOTHING, 0)
  }

  /** Sends fields, if any, and a part of the body; false when the client takes no more for now. */
  send(fields: string[] | null, payload: Buffer, last: boolean): boolean {
    const stream = this.#stream!
    if (this.#state === 'over' || stream.closed || stream.destroyed) return true
    if (fields !== null) stream.respond(fields, { endStream: last && payload.length === 0 })
    if (last) {
      if (payload.length > 0) stream.end(payload)
      else if (fields === null) stream.end()
      return true
    }
    return payload.length === 0 ? true : stream.write(payload)
  }

  pause(): void {
    this.#stream!.pause()
  }

  resume(): void {
    this.#stream!.resume()
  }

  sendContinue(): void {
    const stream = this.#stream!
    if (!stream.closed && !stream.destroyed) stream.additionalHeaders({ ':status': 100 })
  }

  onExchangeEnd(): void {
    if (this.#state !== 'exchange') return
    this.#answered()
  }

  /** A stream of HTTP/2 is no connection to hand over. */
  get tunnelEnd(): null {
    return null
  }

  join(): void {}

  cutOff(): void {
    this.#cutOff()
  }

  /** The client has not taken the rest of its answer in time. */
  onDeadline(): void {
    this.#cutOff()
  }

  /** An error before there is an exchange. */
  #refuse(code: ErrorCode): void {
    this.#plane.metrics.refused(code)
    const { status, message } = errorCodes[code]
    this.response.send(answerOf(errorReply(status, code, message)), false, '')
    this.#answered()
  }

  #answered(): void {
    const stream = this.#stream!
    this.#state = 'answered'
    this.deadlineAt = this.#plane.clock.now() + this.listener.limits.idle
    this.#plane.wheel.schedule(this)
    // RFC 9113 §8.1: who has answered and does not want the rest of the request says so with NO_ERROR.
    if (!stream.readableEnded && !stream.endAfterHeaders && !this.#exchange.body.complete)
      stream.close(constants.NGHTTP2_NO_ERROR)
    // What is left of the request is thrown away; unread it would keep the stream from closing.
    stream.resume()
  }

  /** Resets with INTERNAL_ERROR. Not by `close`, which ends the stream before it resets it: half an answer would look whole. */
  #cutOff(): void {
    if (this.#state === 'over' || this.#stream === null) return
    this.#state = 'over'
    this.#stream.destroy(BROKEN_OFF)
  }

  /** The request is malformed (RFC 9113 §8.1.1). */
  #reject(): void {
    this.#state = 'over'
    this.#stream!.close(constants.NGHTTP2_PROTOCOL_ERROR)
  }

  #onData(bytes: Buffer): void {
    if (this.#state !== 'exchange') return
    this.#exchange.onRequestBytes(this.#chunked ? chunk(bytes) : bytes, 0)
  }

  #onEnd(): void {
    // A reset ends the stream too, and must not make a part of a body look like all of it.
    if (this.#state !== 'exchange' || this.#stream!.closed) return
    if (this.#chunked) this.#exchange.onRequestBytes(LAST_CHUNK, 0)
    else if (!this.#exchange.body.complete) {
      this.#cutOff()
      this.#exchange.abort()
    }
  }

  #onDrain(): void {
    if (this.#state === 'exchange') this.#exchange.onClientDrain()
  }

  /** The client has reset the stream. `close` may be long in coming: it waits for what is left of the request to be read. */
  #onAborted(): void {
    if (this.#state !== 'exchange') return
    this.#state = 'over'
    this.#cancelled = true
    this.#exchange.abort()
    this.#stream!.resume()
  }

  #onClose(): void {
    if (this.#state === 'exchange') this.#onAborted()
    const cancelled = this.#cancelled || (this.#state === 'answered' && this.#stream!.rstCode > 0)
    // The wheel keeps its entry, which the next stream will need: one for each would fill it.
    this.deadlineAt = Infinity
    this.#state = 'free'
    this.#stream = null
    this.#cancelled = false
    this.#connection.onStreamClosed(this, cancelled)
  }
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, CRLF])
}
