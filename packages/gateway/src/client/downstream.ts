import type { Socket } from 'node:net'
import type { ListenerConfig } from '@budao/model'
import { answerOf, answerText, connectionLine } from '../exchange/answer-text.ts'
import type { Client, HttpVersion } from './client.ts'
import type { Arrival } from './arrival.ts'
import type { ClientConnection } from './client-connection.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { errorCodes, type ErrorCode } from '../errors.ts'
import { Exchange } from '../exchange/exchange.ts'
import { RequestHead } from '../http/request-head.ts'
import { Http1Response } from './http1-response.ts'
import { endRaw, readRaw, resumeRaw } from './raw-reader.ts'
import { RawWriter } from './raw-writer.ts'
import { errorReply } from '../exchange/reply.ts'
import type { UpgradeTunnel, TunnelEnd } from '../exchange/upgrade-tunnel.ts'
import { trustOf } from '../exchange/trust.ts'
import type { Timed } from '../threads/timer-wheel.ts'
import { hstsLine } from '../tls/hsts.ts'

/** How long a connection that is being closed is still read, so that the client gets the last answer before a reset. */
const LINGER_MS = 2_000
/** How HTTP/2 begins (RFC 9113 §3.4), as far as it looks like a head. */
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\n'

/**
 * idle      between requests; leaves to `head` with the first byte, to `closing` by time, drain or the client
 * head      part of a head has arrived; leaves to `exchange` when it is complete, to `closing` when it is refused
 * tunnel    behind an upgrade: bytes are passed on as they come
 * exchange  one request is being answered; later requests on the connection wait unread (pipelining, in order)
 * closing   the last answer is on its way out; what arrives is thrown away
 * closed    for good
 */
type State = 'idle' | 'head' | 'exchange' | 'tunnel' | 'closing' | 'closed'

/** One connection of a client that speaks HTTP/1. */
export class Downstream implements Client, ClientConnection, TunnelEnd, Timed {
  deadlineAt: number = Infinity
  wheelTick: number = -1
  readonly head: RequestHead
  readonly remoteAddress: string
  readonly listener: ListenerConfig
  readonly response: Http1Response
  readonly #plane: DataPlane
  readonly #socket: Socket
  readonly #writer: RawWriter
  readonly #exchange: Exchange
  readonly #arrival: Arrival
  #state: State = 'idle'
  #partialHead = ''
  /** Bytes that arrived behind the current request. Not empty: the socket is not being read. */
  #ahead: Buffer | null = null
  /** The exchange wants no more of the body for now. */
  #paused = false
  /** The socket is not being read. */
  #stopped = false
  #working = false
  #tunnel: UpgradeTunnel | null = null
  /** Closes behind the current answer. */
  #leaving = false

  constructor(plane: DataPlane, arrival: Arrival) {
    const { socket, listener, address } = arrival
    this.#plane = plane
    this.#arrival = arrival
    this.#socket = socket
    this.listener = listener
    this.response = new Http1Response(this)
    this.head = new RequestHead(trustOf(listener))
    this.remoteAddress = address
    this.#exchange = new Exchange(plane, this)
    readRaw(socket, plane.buffer, (bytes, length) => this.#onRead(bytes, length))
    this.#writer = new RawWriter(socket, () => this.#onDrain())
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => this.#onClose())
    socket.on('close', () => this.#onClose())
    this.#wait(plane.clock.now())
  }

  /** `early` came together with a PROXY header. */
  start(early: Buffer | null): void {
    if (early === null) return
    this.#onRead(early, early.length)
    if (!this.#stopped) resumeRaw(this.#socket)
  }

  get scheme(): 'http' | 'https' {
    return this.listener.protocol === 'https' ? 'https' : 'http'
  }

  get httpVersion(): HttpVersion {
    return this.head.minor === 1 ? '1.1' : '1.0'
  }

  /** False when the caller should wait for the exchange's `onClientDrain`. */
  writeText(text: string): boolean {
    return this.#writer.text(text)
  }

  /** Head and a copy of the bytes from `start` to `end` in one system call. */
  writeBytes(head: string, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#writer.copy(head, bytes, start, end)
  }

  sendContinue(): void {
    this.writeText('HTTP/1.1 100 Continue\r\n\r\n')
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#readOn()
  }

  onExchangeEnd(keepAlive: boolean): void {
    if (this.#state !== 'exchange') return
    if (!keepAlive || this.#leaving) return this.close()
    this.#wait(this.#plane.clock.now())
    // Deep pipelines are worked off in a loop further up the stack, not by recursion.
    if (!this.#working) this.#workAhead()
  }

  get tunnelEnd(): TunnelEnd {
    return this
  }

  join(tunnel: UpgradeTunnel, protocol: string, lines: string): void {
    this.#state = 'tunnel'
    this.#tunnel = tunnel
    const connection = `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`
    this.writeText(`HTTP/1.1 101 Switching Protocols\r\n${lines}${connection}\r\n`)
    const ahead = this.#ahead
    this.#ahead = null
    if (ahead !== null) this.#paused = !tunnel.fromClient(ahead, 0, ahead.length)
    this.#readOn()
  }

  tunnelBytes(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#writer.copy('', bytes, start, end)
  }

  finish(): void {
    this.#socket.end()
  }

  /** Lets the client read what was written, then closes. */
  close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#state = 'closing'
    this.#ahead = null
    this.#paused = false
    this.#socket.end(() => this.#onFlushed())
    this.#readOn()
    // A slow client may take its time over what is still to leave.
    this.#setDeadline(this.#plane.clock.now() + this.listener.limits.idle)
  }

  /** Closes at once. */
  destroy(): void {
    this.#onClose()
  }

  cutOff(): void {
    if (this.#state === 'closed') return
    this.#becomeClosed()
    this.#plane.onClientClosed(this)
    // Where the end of the connection is the end of the body, only a reset says that something is missing; behind TLS
    // the missing close_notify does.
    if (this.response.unframed && this.scheme === 'http') this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  /** A connection without a request closes, one with a request closes behind its answer. */
  drain(): void {
    this.#leaving = true
    this.head.keepAlive = false
    if (this.#state === 'idle') this.close()
    // When the process ends, it ends the tunnels that are left then.
    else if (this.#state === 'tunnel' && !this.#plane.draining)
      this.#tunnel!.expire(this.#plane.tunnelGraceMs)
  }

  onDeadline(): void {
    if (this.#state === 'head') this.#refuse('head_timeout')
    else if (this.#state === 'idle') this.close()
    else if (this.#state === 'closing') this.destroy()
  }

  /** What is read lies in the thread's buffer: what is kept of it is copied. */
  #onRead(buffer: Buffer, length: number): boolean {
    if (this.#state === 'closing') return true
    if (this.#state === 'closed') return false
    const { clock } = this.#plane
    clock.hold()
    this.#working = true
    if (this.#state === 'exchange') this.#takeBody(copyOf(buffer, 0, length))
    else if (this.#state === 'tunnel') this.#paused = !this.#tunnel!.fromClient(buffer, 0, length)
    else if (this.#isBacklogged()) this.#leave(copyOf(buffer, 0, length), 0)
    else this.#takeHead(buffer, length, false)
    this.#working = false
    this.#workAhead()
    clock.release()
    this.#stopped = this.#paused || this.#ahead !== null
    return !this.#stopped
  }

  #workAhead(): void {
    this.#working = true
    while (
      this.#ahead !== null &&
      (this.#state === 'idle' || this.#state === 'head') &&
      !this.#isBacklogged()
    ) {
      const bytes = this.#ahead
      this.#ahead = null
      this.#takeHead(bytes, bytes.length, true)
    }
    this.#working = false
    this.#readOn()
  }

  /** Between requests: a client that sends one after the other and does not read the answers is asked to wait. */
  #isBacklogged(): boolean {
    return this.#state !== 'exchange' && this.#state !== 'tunnel' && this.#writer.needsDrain
  }

  #readOn(): void {
    if (!this.#stopped || this.#paused || this.#ahead !== null) return
    this.#stopped = false
    resumeRaw(this.#socket)
  }

  #takeBody(bytes: Buffer): void {
    this.#leave(bytes, this.#exchange.onRequestBytes(bytes, 0))
  }

  /** `owned`: the bytes are this connection's to keep. */
  #takeHead(bytes: Buffer, length: number, owned: boolean): void {
    const { headerBytes, headers } = this.listener.limits
    const before = this.#partialHead.length
    const fresh = bytes.toString('latin1', 0, Math.min(length, headerBytes + 4 - before))
    const arrived = before === 0 ? fresh : this.#partialHead + fresh
    // RFC 9112 §2.2: one empty line before a request is ignored; some clients add it behind a body.
    const skipped = arrived.startsWith('\r\n') ? 2 : 0
    const text = skipped === 0 ? arrived : arrived.slice(skipped)
    const lineBreak = text.indexOf('\r\n\r\n')
    if (lineBreak === -1) {
      if (text.length >= headerBytes) this.#refuse('head_too_large')
      else if (hasBareLineFeed(text)) this.#refuse('bad_header')
      else this.#keepPartial(arrived)
      return
    }
    const end = lineBreak + 4
    if (end > headerBytes) return this.#refuse('head_too_large')
    this.#partialHead = ''
    const wrong = this.head.read(text, end, headers)
    if (wrong !== null) {
      if (text.startsWith(HTTP2_PREFACE) && this.#mayBecomeHttp2())
        return this.#becomeHttp2(arrived.slice(0, before), bytes.subarray(0, length))
      return this.#refuse(wrong)
    }
    const { certificate } = this.#arrival
    if (certificate !== null) for (const [name, value] of certificate) this.head.fields.set(name, value)
    this.#state = 'exchange'
    this.deadlineAt = Infinity
    const bodyStart = end - before + skipped
    const rest =
      bodyStart === length
        ? NOTHING
        : owned
          ? bytes.subarray(bodyStart, length)
          : copyOf(bytes, bodyStart, length)
    this.#leave(rest, this.#exchange.begin(this.#plane.clock.now(), rest, 0))
  }

  #mayBecomeHttp2(): boolean {
    return this.scheme === 'http' && this.listener.protocols.includes('h2')
  }

  #becomeHttp2(partial: string, bytes: Buffer): void {
    this.#state = 'closed'
    this.#plane.wheel.cancel(this)
    endRaw(this.#socket, Buffer.concat([Buffer.from(partial, 'latin1'), bytes]))
    this.#plane.onHttp2(this, this.#arrival)
  }

  /** Keeps what arrived behind the current request until that is answered. */
  #leave(bytes: Buffer, from: number): void {
    if (from === bytes.length || this.#state === 'closing' || this.#state === 'closed') return
    const rest = bytes.subarray(from)
    this.#ahead = this.#ahead === null ? rest : Buffer.concat([this.#ahead, rest])
  }

  #keepPartial(text: string): void {
    this.#partialHead = text
    // An empty line alone begins nothing: such a client is idle, and is not told that it was slow.
    if (this.#state === 'head' || text === '\r' || text === '\r\n') return
    this.#state = 'head'
    this.#setDeadline(this.#plane.clock.now() + this.listener.limits.headTimeout)
  }

  #refuse(code: ErrorCode): void {
    this.#plane.metrics.refused(code)
    const { status, message } = errorCodes[code]
    const answer = answerOf(errorReply(status, code, message))
    this.writeText(answerText(answer, connectionLine(false, false), hstsLine(this.listener), false))
    this.close()
  }

  #wait(now: number): void {
    this.#state = 'idle'
    this.#setDeadline(now + this.listener.limits.idle)
  }

  #setDeadline(at: number): void {
    this.deadlineAt = at
    this.#plane.wheel.schedule(this)
  }

  #onDrain(): void {
    if (this.#state === 'exchange') this.#exchange.onClientDrain()
    else if (this.#state === 'tunnel') this.#tunnel!.onClientDrain()
    else this.#workAhead()
  }

  /** The last answer has left, and our side is closed. */
  #onFlushed(): void {
    if (this.#state !== 'closing') return
    if (this.#socket.readableEnded) this.destroy()
    else this.#setDeadline(this.#plane.clock.now() + LINGER_MS)
  }

  #onEnd(): void {
    if (this.#state === 'tunnel') return this.#tunnel!.onClientEnd()
    // The last answer is still leaving; what follows it sees to the rest.
    if (this.#state === 'closing' && !this.#socket.writableFinished) return
    // As nginx, Go and Node do: a client that closes its side while it waits has gone away.
    this.destroy()
  }

  #onClose(): void {
    if (this.#state === 'closed') return
    const state = this.#state
    this.#becomeClosed()
    this.#socket.destroy()
    if (state === 'exchange') this.#exchange.abort()
    else if (state === 'tunnel') this.#tunnel!.onClientClosed()
    // Last: what is finished without its client counts by then, or a drain would take the plane for quiet.
    this.#plane.onClientClosed(this)
  }

  #becomeClosed(): void {
    this.#state = 'closed'
    this.#ahead = null
    this.#plane.wheel.cancel(this)
    this.#plane.wheel.cancel(this.#exchange)
  }
}

const NOTHING = Buffer.alloc(0)

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.subarray(start, end))
}

function hasBareLineFeed(text: string): boolean {
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (at === 0 || text.charCodeAt(at - 1) !== 0x0d) return true
  }
  return false
}
