import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { ListenerConfig } from '@budao/model'
import { EventBudget } from '@budao/resilience'
import type { Arrival } from './arrival.ts'
import type { ClientConnection } from './client-connection.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { Http2Client } from './http2-client.ts'
import type { Timed } from '../threads/timer-wheel.ts'

/** Fields of one request beside the headers that the listener allows: pseudo-fields, and cookies that come in pieces. */
const EXTRA_FIELDS = 60
/** Frames that do nothing (empty DATA, of no stream, out of place) that a connection may send in its life. */
const IDLE_FRAMES_MAX = 100
/** What PING and SETTINGS may cost: each has to be answered. A SETTINGS counts as much as ten PING. */
const CONTROL_BUDGET = { events: 1_000, perMs: 10_000 }
const SETTINGS_COST = 10
/** The time in which a client earns its budget of resets anew. */
const RESETS_MS = 30_000
/** How long a client may take to close once it has nothing under way. */
const FAREWELL_MS = 1_000

const CALMED = new Error('the client costs too much')
const END_STREAM = 0x01

/**
 * opening   the client's first SETTINGS have not come
 * open      streams come and go
 * closing   the client has been told to open no more streams; the last ones finish
 * closed    for good
 */
type State = 'opening' | 'open' | 'closing' | 'closed'

/** One connection of a client that speaks HTTP/2: its streams, and the budgets that keep it from costing too much. */
export class Http2Connection implements ClientConnection, Timed {
  deadlineAt: number = Infinity
  wheelTick: number = -1
  readonly listener: ListenerConfig
  readonly remoteAddress: string
  readonly certificate: Arrival['certificate']
  readonly #plane: DataPlane
  readonly #socket: Arrival['socket']
  #session!: ServerHttp2Session
  readonly #free: Http2Client[] = []
  readonly #resets: EventBudget
  readonly #control: EventBudget
  #state: State = 'opening'
  #streams = 0

  constructor(plane: DataPlane, arrival: Arrival) {
    const { socket, listener, address } = arrival
    const { limits } = listener
    this.#plane = plane
    this.listener = listener
    this.remoteAddress = address
    this.certificate = arrival.certificate
    const now = plane.clock.now()
    this.#resets = new EventBudget(now, { events: limits.resets, perMs: RESETS_MS })
    this.#control = new EventBudget(now, CONTROL_BUDGET)
    this.#socket = socket
  }

  start(early: Buffer | null): void {
    const { limits } = this.listener
    const socket = this.#socket
    if (early !== null) socket.unshift(early)
    // A client that closes its side has gone away, as with HTTP/1.
    socket.allowHalfOpen = false
    this.#session = performServerHandshake(socket, {
      settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: limits.headerBytes },
      maxHeaderListPairs: limits.headers + EXTRA_FIELDS,
      maxSessionInvalidFrames: IDLE_FRAMES_MAX,
      maxSessionRejectedStreams: limits.streams,
      // White space around a value is malformed and refused with the rest; by itself nghttp2 would leave the field out.
      strictFieldWhitespaceValidation: false,
      // Endpoints may answer with several lines of a name that HTTP/2 has only once.
      strictSingleValueFields: false,
    })
    this.#session.on('stream', (stream, _, flags, fields) => this.#onStream(stream, flags, fields))
    this.#session.on('remoteSettings', () => this.#onSettings())
    this.#session.on('ping', () => this.#spend(this.#control, 1))
    this.#session.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    this.#session.on('close', () => this.#onClose())
    this.#setDeadline(this.#plane.clock.now() + limits.headTimeout)
  }

  drain(): void {
    this.#close()
  }

  destroy(): void {
    this.#session.destroy()
    this.#onClose()
  }

  onDeadline(): void {
    if (this.#state === 'opening') this.destroy()
    else if (this.#state === 'open') this.#close()
    else if (this.#streams === 0) this.destroy()
  }

  /** `cancelled`: the client did not wait for the end of its answer. */
  onStreamClosed(client: Http2Client, cancelled: boolean): void {
    this.#streams--
    this.#plane.metrics.http2Stream(-1)
    if (!client.spent) this.#free.push(client)
    if (cancelled && !this.#spend(this.#resets, 1)) return
    if (this.#streams === 0) this.#wait()
  }

  #onStream(stream: ServerHttp2Stream, flags: number, fields: readonly string[]): void {
    this.#streams++
    this.#plane.metrics.http2Stream(1)
    if (this.#state === 'open') this.deadlineAt = Infinity
    const client = this.#free.pop() ?? new Http2Client(this.#plane, this)
    client.begin(stream, fields, (flags & END_STREAM) !== 0)
  }

  #onSettings(): void {
    if (this.#state === 'opening') {
      this.#state = 'open'
      if (this.#streams === 0) this.#wait()
      else this.deadlineAt = Infinity
    }
    this.#spend(this.#control, SETTINGS_COST)
  }

  /** No stream is open. */
  #wait(): void {
    const { limits } = this.listener
    if (this.#state === 'open') this.#setDeadline(this.#plane.clock.now() + limits.idle)
    else if (this.#state === 'closing') this.#setDeadline(this.#plane.clock.now() + FAREWELL_MS)
  }

  /** False when the client has spent what it had: it is told so, and left. */
  #spend(budget: EventBudget, cost: number): boolean {
    if (this.#state === 'closed' || budget.spend(this.#plane.clock.now(), cost)) return true
    this.#plane.metrics.http2Calmed()
    this.#session.destroy(CALMED, constants.NGHTTP2_ENHANCE_YOUR_CALM)
    this.#onClose()
    return false
  }

  /**
   * Takes no more streams; the session ends with the last of those it has. GOAWAY names the last stream that came: what
   * the client has sent since, it knows to be unprocessed. (The two steps of RFC 9113 §6.8 would lose such streams here:
   * nghttp2 ignores new ones behind any GOAWAY, the first with the highest number too.)
   */
  #close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#state = 'closing'
    this.#session.close()
    if (this.#streams === 0) this.#wait()
  }

  #setDeadline(at: number): void {
    this.deadlineAt = at
    this.#plane.wheel.schedule(this)
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (error.code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') this.#plane.metrics.http2Calmed()
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#plane.wheel.cancel(this)
    this.#plane.onClientClosed(this)
  }
}
