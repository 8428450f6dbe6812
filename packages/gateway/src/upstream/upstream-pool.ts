import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Cells } from '@budao/resilience'
import type { TimerWheel } from '../threads/timer-wheel.ts'
import type { UpstreamTls } from '../tls/upstream-tls.ts'
import type { TurnClock } from '../threads/turn-clock.ts'
import { UpstreamConnection, type UpstreamUser } from './upstream-connection.ts'

export interface UpstreamPoolOptions {
  /** Which of the threads this is, from 0. */
  readonly worker: number
  /** Open connections of this thread to the endpoint. */
  readonly connectionsMax: number
  readonly connectMs: number
  /** An idle connection is closed after this time. */
  readonly idleMs: number
  /** Exchanges that may wait for a connection, over all threads and endpoints of the service. */
  readonly pendingMax: number
  /** Null: connections are plain. */
  readonly tls: UpstreamTls | null
  /** A connection was there and its handshake failed: why, at most once a minute. */
  onTlsFailed(problem: string): void
}

/** Leave this much before the endpoint closes an idle connection itself, so that no request is sent into the closing. */
const IDLE_MARGIN_MS = 1_000

/** Every connection of a misconfigured endpoint fails for the same reason: once is enough. */
const TLS_FAILURE_TOLD_MS = 60_000

/** The kept-alive connections of one thread to one endpoint. The connection used last is used first: the others may age out. */
export class UpstreamPool {
  readonly host: string
  readonly port: number
  readonly clock: TurnClock
  #options: UpstreamPoolOptions
  readonly #wheel: TimerWheel
  readonly #buffer: Buffer
  readonly #pending: Cells
  readonly #idle: UpstreamConnection[] = []
  readonly #all: Set<UpstreamConnection> = new Set()
  readonly #waiting: UpstreamUser[] = []
  /** Connections of somebody's own. */
  #lent = 0
  #closed = false
  #tlsFailureToldAt = -Infinity

  /**
   * `buffer` is what all connections of the thread read into. `pending` counts who waits for a connection, one cell a
   * thread, so that the count of one that dies can be taken back.
   */
  constructor(
    clock: TurnClock,
    wheel: TimerWheel,
    buffer: Buffer,
    pending: Cells,
    address: string,
    options: UpstreamPoolOptions,
  ) {
    this.clock = clock
    this.#wheel = wheel
    this.#buffer = buffer
    this.#pending = pending
    this.#options = options
    const colon = address.lastIndexOf(':')
    this.host = address.slice(0, colon).replace(/^\[|\]$/g, '')
    this.port = Number(address.slice(colon + 1))
  }

  get open(): number {
    return this.#all.size + this.#lent
  }

  get connectMs(): number {
    return this.#options.connectMs
  }

  /** Null: connections are plain. */
  get tls(): UpstreamTls | null {
    return this.#options.tls
  }

  get idle(): number {
    return this.#idle.length
  }

  configure(options: UpstreamPoolOptions): void {
    const { tls } = this.#options
    this.#options = options
    // What was agreed on under other rules is not used again.
    if (options.tls !== tls) for (const connection of [...this.#idle]) connection.destroy()
  }

  /**
   * Gives `user` a connection: at once when one is idle (then it is returned, and ready), else by `onUpstreamReady`
   * once one is open or free. `fresh` asks for a new connection. `full` when too many wait already.
   */
  acquire(user: UpstreamUser, fresh: boolean): UpstreamConnection | 'opening' | 'waiting' | 'full' {
    if (!fresh) {
      const idle = this.#idle.pop()
      if (idle !== undefined) {
        idle.assign(user)
        return idle
      }
    }
    if (this.open < this.#options.connectionsMax) {
      this.#open(user)
      return 'opening'
    }
    if (this.#pendingEverywhere() >= this.#options.pendingMax) return 'full'
    this.#pending.add(this.#options.worker, 1)
    this.#waiting.push(user)
    return 'waiting'
  }

  /**
   * Opens a connection that is no exchange's but the caller's own until `giveBack`; null when there are as many as may
   * be. What is read lies in the thread's buffer up to the length that `onRead` is told.
   */
  dial(onRead: (length: number) => void): Socket | null {
    if (this.open >= this.#options.connectionsMax) return null
    this.#lent++
    const onread = {
      buffer: this.#buffer,
      callback: (length: number): boolean => {
        onRead(length)
        return true
      },
    }
    const { host, port } = this
    const dial: TcpNetConnectOpts = { host, port, noDelay: true, allowHalfOpen: true, onread }
    return this.#options.tls === null ? connect(dial) : this.#options.tls.connect(dial)
  }

  giveBack(): void {
    this.#lent--
    const next = this.#nextWaiting()
    if (next !== undefined) this.#open(next)
  }

  /** `user` no longer wants the connection it was promised. */
  abandon(user: UpstreamUser): void {
    const index = this.#waiting.indexOf(user)
    if (index !== -1) {
      this.#waiting.splice(index, 1)
      this.#pending.add(this.#options.worker, -1)
    }
    for (const connection of this.#all) {
      if (connection.isOpeningFor(user)) connection.assign(null)
    }
  }

  /** The endpoint has accepted, and its handshake begins. */
  onHandshake(connection: UpstreamConnection, { handshakeMs }: UpstreamTls): void {
    connection.deadlineAt = this.clock.now() + handshakeMs
    this.#wheel.schedule(connection)
  }

  onTlsFailed(problem: string): void {
    const now = this.clock.now()
    if (now - this.#tlsFailureToldAt < TLS_FAILURE_TOLD_MS) return
    this.#tlsFailureToldAt = now
    this.#options.onTlsFailed(problem)
  }

  /** Takes back a connection that was given and not used. */
  release(connection: UpstreamConnection): void {
    connection.assign(null)
    this.onIdle(connection)
  }

  onIdle(connection: UpstreamConnection): void {
    const next = this.#nextWaiting()
    if (next !== undefined) {
      connection.assign(next)
      next.onUpstreamReady(connection)
      return
    }
    if (this.#closed || connection.tls !== this.#options.tls) return connection.destroy()
    const announced = connection.head.idleTimeoutMs
    const idleMs =
      announced > 0
        ? Math.min(this.#options.idleMs, Math.max(announced - IDLE_MARGIN_MS, announced / 2))
        : this.#options.idleMs
    connection.deadlineAt = this.clock.now() + idleMs
    this.#wheel.schedule(connection)
    this.#idle.push(connection)
  }

  onClosed(connection: UpstreamConnection): void {
    this.#wheel.cancel(connection)
    if (!this.#all.delete(connection)) return
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    const next = this.#nextWaiting()
    if (next !== undefined) this.#open(next)
  }

  /** Closes idle connections, now and as they become idle; those in use finish their exchange first. */
  close(): void {
    this.#closed = true
    this.closeIdle()
  }

  /** Closes what is not in use now. */
  closeIdle(): void {
    if (this.#idle.length > 0) for (const connection of [...this.#idle]) connection.destroy()
  }

  #pendingEverywhere(): number {
    let sum = 0
    for (let worker = 0; worker < this.#pending.length; worker++) sum += this.#pending.load(worker)
    return sum
  }

  #nextWaiting(): UpstreamUser | undefined {
    if (this.#waiting.length === 0) return undefined
    const next = this.#waiting.shift()
    if (next !== undefined) this.#pending.add(this.#options.worker, -1)
    return next
  }

  #open(user: UpstreamUser): void {
    const connection = new UpstreamConnection(this, user, this.#options.tls, this.#buffer)
    connection.deadlineAt = this.clock.now() + this.#options.connectMs
    this.#all.add(connection)
    this.#wheel.schedule(connection)
  }
}
