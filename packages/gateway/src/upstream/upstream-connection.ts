import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { ChunkScanner } from '../http/chunk-scanner.ts'
import { ResponseHead } from '../http/response-head.ts'
import { RawWriter } from '../client/raw-writer.ts'
import type { Timed } from '../threads/timer-wheel.ts'
import type { UpgradeTunnel, TunnelEnd } from '../exchange/upgrade-tunnel.ts'
import { tlsProblem, type UpstreamTls } from '../tls/upstream-tls.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** Why an attempt at an endpoint ended without a complete answer. */
export type UpstreamFailure = 'connect-failure' | 'reset' | 'protocol' | 'truncated'

/** Who uses a connection for one exchange. Each call concerns the connection it was given and nothing later. */
export interface UpstreamUser {
  /** The protocol that the endpoint may turn to with 101; empty when none was asked for. */
  readonly upgrade: string
  /** The request may be sent. */
  onUpstreamReady(connection: UpstreamConnection): void
  /** A final response head has been read into `connection.head`; its body follows. */
  onUpstreamHead(connection: UpstreamConnection): void
  /**
   * Bytes of the body as they came, framing included. `text` is the same in latin1 when it is short, else undefined
   * and `bytes` from `start` to `end` hold it, valid only during the call. `last` when the response is complete: the
   * connection then has already gone back to its pool.
   */
  onUpstreamBody(
    connection: UpstreamConnection,
    text: string | undefined,
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
  ): void
  /**
   * The endpoint speaks the other protocol from now on, beginning with `rest`, valid only during the call. The
   * connection is the user's, who calls `join` before the call ends, or destroys it.
   */
  onUpstreamUpgraded(connection: UpstreamConnection, rest: Uint8Array): void
  onUpstreamFailure(connection: UpstreamConnection, failure: UpstreamFailure): void
  /** What was written has left: more may be written. */
  onUpstreamDrain(connection: UpstreamConnection): void
}

/** Up to this size a read is handled as one string: one write of head and body together is what makes small answers cheap. */
const TEXT_BYTES_MAX = 4_096
const HEAD_BYTES_MAX = 65_536
const HEADERS_MAX = 256

/** `shaking`: connected, and the TLS handshake under way. */
type Phase = 'connecting' | 'shaking' | 'idle' | 'head' | 'body' | 'tunnel' | 'closed'

/**
 * One connection to an endpoint, for many exchanges one after the other. Reads straight into a buffer that all
 * connections of the thread share, so nothing of it may be kept past a call.
 */
export class UpstreamConnection implements Timed, TunnelEnd {
  deadlineAt: number = Infinity
  wheelTick: number = -1
  readonly head: ResponseHead = new ResponseHead()
  /** Null: the connection is plain. */
  readonly tls: UpstreamTls | null
  /** Exchanges begun on this connection. */
  exchanges = 0
  /** Whether any byte of the current response has come. */
  answered = false
  readonly #pool: UpstreamPool
  readonly #socket: Socket
  readonly #writer: RawWriter
  readonly #scanner = new ChunkScanner({ allowExtensions: true })
  #phase: Phase = 'connecting'
  #user: UpstreamUser | null
  #toHead = false
  #partialHead = ''
  #remaining = 0
  #tunnel: UpgradeTunnel | null = null
  /** False while the request is still being sent: a connection is only used again when both directions are complete. */
  #requestComplete = false
  /** Shared by all connections of the thread: what a read leaves in it is good until the next one. */
  readonly #buffer: Buffer

  constructor(pool: UpstreamPool, user: UpstreamUser | null, tls: UpstreamTls | null, buffer: Buffer) {
    this.#pool = pool
    this.#user = user
    this.#buffer = buffer
    this.tls = tls
    const { host, port } = pool
    const dial: TcpNetConnectOpts = {
      host,
      port,
      noDelay: true,
      // Whatever ends the other side ends the connection, but for a tunnel, whose directions close one by one.
      allowHalfOpen: true,
      onread: { buffer, callback: (length) => this.#onRead(length) },
    }
    this.#socket = tls === null ? connect(dial) : tls.connect(dial)
    if (tls === null) this.#socket.on('connect', () => this.#onConnect())
    else {
      this.#socket.on('connect', () => this.#onHandshake(tls))
      this.#socket.on('secureConnect', () => this.#onConnect())
    }
    this.#writer = new RawWriter(this.#socket, () => this.#onDrain())
    this.#socket.on('end', () => this.#onClose(true))
    this.#socket.on('error', (error) => this.#onClose(false, error))
    this.#socket.on('close', () => this.#onClose(false))
  }

  get #opening(): boolean {
    return this.#phase === 'connecting' || this.#phase === 'shaking'
  }

  get phase(): Phase {
    return this.#phase
  }

  /** True while the first bytes of an answer could still be those of a connection that was dead when it was reused. */
  get reused(): boolean {
    return this.exchanges > 1
  }

  isOpeningFor(user: UpstreamUser): boolean {
    return this.#opening && this.#user === user
  }

  /** Takes an idle connection for one exchange; null when the one it was being opened for has gone. */
  assign(user: UpstreamUser | null): void {
    this.#user = user
    if (this.#phase === 'idle') this.deadlineAt = Infinity
  }

  /** Sends the head of a request, with the first bytes of its body. `complete` when there is no more body to come. */
  begin(text: string, toHead: boolean, complete: boolean): void {
    this.#phase = 'head'
    this.#toHead = toHead
    this.#requestComplete = complete
    this.#partialHead = ''
    this.answered = false
    this.exchanges++
    this.#writer.text(text)
  }

  /** Sends a part of the request's body. False when the caller should wait for `onUpstreamDrain`. */
  write(bytes: Uint8Array, complete: boolean): boolean {
    if (complete) this.#requestComplete = true
    return this.#writer.bytes(bytes)
  }

  /** Behind 101: what comes belongs to the tunnel, and nobody else uses this connection again. */
  join(tunnel: UpgradeTunnel): void {
    this.#user = null
    this.#phase = 'tunnel'
    this.#tunnel = tunnel
  }

  tunnelBytes(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#writer.copy('', bytes, start, end)
  }

  finish(): void {
    this.#socket.end()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Ends the connection at once; its user hears no more of it. */
  destroy(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#user = null
    this.#socket.destroy()
    this.#pool.onClosed(this)
  }

  onDeadline(): void {
    const user = this.#user
    const opening = this.#opening
    if (this.#phase === 'shaking')
      this.#pool.onTlsFailed(`the handshake was not done within ${this.tls!.handshakeMs} ms`)
    this.destroy()
    if (opening) user?.onUpstreamFailure(this, 'connect-failure')
  }

  #onHandshake(tls: UpstreamTls): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'shaking'
    this.#pool.onHandshake(this, tls)
  }

  #onDrain(): void {
    if (this.#user !== null) this.#user.onUpstreamDrain(this)
    else this.#tunnel?.onUpstreamDrain()
  }

  #onConnect(): void {
    if (!this.#opening) return
    this.#phase = 'idle'
    this.deadlineAt = Infinity
    const user = this.#user
    if (user === null) this.#pool.onIdle(this)
    else user.onUpstreamReady(this)
  }

  #onClose(clean: boolean, error?: Error): void {
    if (this.#phase === 'closed') return
    if (this.#phase === 'tunnel') return this.#onTunnelClose(clean)
    if (this.#phase === 'shaking') this.#pool.onTlsFailed(tlsProblem(error))
    const user = this.#user
    const phase = this.#phase
    if (clean && phase === 'body' && this.head.framing === 'until-close') {
      this.#complete()
      user?.onUpstreamBody(this, '', this.#buffer, 0, 0, true)
      return
    }
    this.destroy()
    if (user === null) return
    const opening = phase === 'connecting' || phase === 'shaking'
    const failure = opening ? 'connect-failure' : phase === 'body' ? 'truncated' : 'reset'
    user.onUpstreamFailure(this, failure)
  }

  #onTunnelClose(clean: boolean): void {
    if (clean) return this.#tunnel!.onUpstreamEnd()
    this.destroy()
    this.#tunnel!.onUpstreamClosed()
  }

  #onRead(length: number): boolean {
    const { clock } = this.#pool
    clock.hold()
    this.#take(length)
    clock.release()
    return true
  }

  #take(length: number): void {
    const user = this.#user
    if (this.#phase === 'tunnel') {
      if (!this.#tunnel!.fromUpstream(this.#buffer, 0, length)) this.pause()
      return
    }
    // Bytes nobody asked for: whatever follows could be taken for the answer to the next request.
    if (user === null || this.#phase === 'idle' || this.#opening) return this.#fail(user)
    this.answered = true
    if (this.#phase === 'head') this.#readHead(user, length)
    else if (this.#phase === 'body') this.#readBody(user, undefined, 0, length)
  }

  #readHead(user: UpstreamUser, length: number): void {
    const buffer = this.#buffer
    const textLength = Math.min(
      length,
      this.#partialHead === '' && length <= TEXT_BYTES_MAX ? length : HEAD_BYTES_MAX,
    )
    const fresh = buffer.toString('latin1', 0, textLength)
    const before = this.#partialHead.length
    const text = before === 0 ? fresh : this.#partialHead + fresh
    let end = text.indexOf('\r\n\r\n')
    if (end === -1) {
      if (text.length >= HEAD_BYTES_MAX) this.#fail(user)
      else this.#partialHead = text
      return
    }
    end += 4
    if (!this.head.read(text, end, this.#toHead, HEADERS_MAX)) return this.#fail(user)
    if (this.head.status < 200) return this.#skipInterim(user, text, end, end - before, length)

    this.#phase = 'body'
    this.#remaining = this.head.contentLength
    if (this.head.framing === 'chunked') this.#scanner.reset()
    user.onUpstreamHead(this)
    // The user may have ended the connection over what the head said.
    if (this.#user !== user) return
    const bodyStart = end - before
    // A head that comes alone is passed on at once: its body may be long in coming, as with events.
    if (bodyStart === length && this.head.framing !== 'none')
      return user.onUpstreamBody(this, '', buffer, 0, 0, false)
    const bodyText =
      length - bodyStart <= TEXT_BYTES_MAX && textLength === length ? text.slice(end) : undefined
    this.#readBody(user, bodyText, bodyStart, length)
  }

  /** An interim answer (100, 103) is for this hop; 101 is the last one, if it was asked for. */
  #skipInterim(user: UpstreamUser, text: string, end: number, start: number, length: number): void {
    if (this.head.status === 101) {
      if (user.upgrade === '' || this.head.upgrade !== user.upgrade) return this.#fail(user)
      return user.onUpstreamUpgraded(this, this.#buffer.subarray(start, length))
    }
    this.#partialHead = ''
    if (end === text.length && start === length) return
    this.#buffer.copyWithin(0, start, length)
    this.#readHead(user, length - start)
  }

  #readBody(user: UpstreamUser, text: string | undefined, start: number, length: number): void {
    const end = this.#bodyEnd(start, length)
    if (end === -2) return this.#fail(user)
    const last = end !== -1 && this.head.framing !== 'until-close'
    const until = end === -1 ? length : end
    // More bytes than the response has: the next answer on this connection could not be trusted.
    if (last && until < length) this.head.keepAlive = false
    if (last) this.#complete()
    else if (until === start) return
    const part =
      text === undefined
        ? until - start <= TEXT_BYTES_MAX
          ? this.#buffer.toString('latin1', start, until)
          : undefined
        : until < length
          ? text.slice(0, until - start)
          : text
    user.onUpstreamBody(this, part, this.#buffer, start, until, last)
  }

  /** Where the body ends among the bytes from `start` to `length`; -1 when later, -2 when it is malformed. */
  #bodyEnd(start: number, length: number): number {
    switch (this.head.framing) {
      case 'none':
        return start
      case 'length': {
        const available = length - start
        if (available < this.#remaining) {
          this.#remaining -= available
          return -1
        }
        return start + this.#remaining
      }
      case 'chunked':
        return this.#scanner.scan(this.#buffer, start, length)
      case 'until-close':
        return -1
    }
  }

  #complete(): void {
    this.#user = null
    this.#phase = 'idle'
    // An answer that came before the request was complete leaves the rest of that request in the way.
    if (this.head.keepAlive && this.#requestComplete && !this.#socket.destroyed) this.#pool.onIdle(this)
    else this.destroy()
  }

  #fail(user: UpstreamUser | null): void {
    this.destroy()
    user?.onUpstreamFailure(this, 'protocol')
  }
}
