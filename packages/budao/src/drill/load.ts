import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ResponseReader, field } from './response-reader.ts'
import type { ReadAnswer } from './response-reader.ts'

/**
 * How one request ended. `ok`: 2xx or 3xx from a backend. `degraded`: answered by the gateway's fallback. The others
 * are failures: `connect` (no connection), `reset` (closed before the whole answer), `timeout`, `bad-answer` (not
 * HTTP), `unsent` (every connection was busy and the queue full), or a status of 400 and above.
 */
export type Outcome =
  | 'ok'
  | 'degraded'
  | 'connect'
  | 'reset'
  | 'timeout'
  | 'bad-answer'
  | 'unsent'
  | `status ${number}`

/** One request of the schedule. Times in milliseconds of the load's clock. */
export interface Sample {
  /** When the schedule wanted it sent. Latency counts from here, so a stall is not hidden by requests not sent. */
  readonly dueMs: number
  readonly endMs: number
  readonly outcome: Outcome
  /** Of an answer: the epoch in which the write was taken, where there is one. */
  readonly epoch?: number
  /** Of which unit. */
  readonly unit?: string
}

export interface LoadOptions {
  readonly url: URL
  /** The Host header. Default the URL's. */
  readonly host?: string
  /** Requests a second. */
  readonly rate: number
  /** The whole request that is due then, head and body. Default: GET of the URL. */
  readonly request?: (dueMs: number) => string
  /** From when a request is due. Default 10 000. */
  readonly timeoutMs?: number
  /** Default 1024. */
  readonly connectionsMax?: number
  /** Requests that may wait for a connection. Default 4096. */
  readonly queueMax?: number
}

/**
 * Sends requests by a fixed schedule, whether or not earlier ones are answered (open loop), over keep-alive
 * connections. It never retries: what fails here, a client would have seen.
 */
export class Load {
  readonly #now: () => number
  readonly #rate: number
  readonly #timeoutMs: number
  readonly #connectionsMax: number
  readonly #queueMax: number
  readonly #url: URL
  readonly #request: (dueMs: number) => string

  #samples: Sample[] = []
  #idle: Connection[] = []
  #connections = new Set<Connection>()
  /** Due times of requests that wait for a connection; `#queueHead` is the first that still counts. */
  #queue: number[] = []
  #queueHead = 0
  #scheduled = 0
  #startMs = 0
  #lastTickMs = 0
  #longestPauseMs = 0
  #timer: NodeJS.Timeout | undefined
  #sweeper: NodeJS.Timeout | undefined
  #drained: (() => void) | undefined

  constructor(now: () => number, options: LoadOptions) {
    this.#now = now
    this.#url = options.url
    this.#rate = options.rate
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#connectionsMax = options.connectionsMax ?? 1024
    this.#queueMax = options.queueMax ?? 4096
    const get =
      `GET ${this.#url.pathname}${this.#url.search} HTTP/1.1\r\nHost: ${options.host ?? this.#url.host}\r\n` +
      'User-Agent: budao-drill\r\nAccept: */*\r\n\r\n'
    this.#request = options.request ?? ((): string => get)
  }

  /** So long was the generator itself kept from its schedule at worst, milliseconds: gaps below this are its own. */
  get longestPauseMs(): number {
    return this.#longestPauseMs
  }

  /** What ended since that time, in order of their ends. */
  since(ms: number): readonly Sample[] {
    let from = this.#samples.length
    while (from > 0 && this.#samples[from - 1]!.endMs >= ms) from--
    return this.#samples.slice(from)
  }

  /** Requests that were due before that time and have no answer yet. */
  overdue(ms: number): number {
    let count = 0
    for (const { dueMs } of this.#connections) if (dueMs !== undefined && dueMs < ms) count++
    for (let at = this.#queueHead; at < this.#queue.length; at++) if (this.#queue[at]! < ms) count++
    return count
  }

  /** Begins the schedule anew; what was measured before is forgotten, the connections are kept. */
  start(): void {
    this.#samples = []
    this.#scheduled = 0
    this.#longestPauseMs = 0
    this.#startMs = this.#lastTickMs = this.#now()
    this.#timer = setInterval(() => this.#tick(), 1)
    this.#sweeper ??= setInterval(() => this.#sweep(), 20)
  }

  /** Ends the schedule and waits for what is under way, at most the timeout. One sample a request, in order of their ends. */
  async stop(): Promise<readonly Sample[]> {
    this.#tick()
    clearInterval(this.#timer)
    if (this.#samples.length < this.#scheduled)
      await new Promise<void>((resolve) => (this.#drained = resolve))
    return this.#samples
  }

  close(): void {
    clearInterval(this.#timer)
    clearInterval(this.#sweeper)
    for (const connection of this.#connections) connection.socket.destroy()
    this.#connections.clear()
    this.#idle = []
  }

  #tick(): void {
    const now = this.#now()
    this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#lastTickMs)
    this.#lastTickMs = now
    // The first is due at once.
    const wanted = Math.floor(((now - this.#startMs) * this.#rate) / 1000) + 1
    while (this.#scheduled < wanted) {
      const dueMs = this.#startMs + (this.#scheduled * 1000) / this.#rate
      this.#scheduled++
      this.#submit(dueMs)
    }
  }

  #submit(dueMs: number): void {
    const idle = this.#idle.pop()
    if (idle !== undefined) return this.#send(idle, dueMs)
    if (this.#connections.size < this.#connectionsMax) return this.#open(dueMs)
    if (this.#queue.length - this.#queueHead >= this.#queueMax) return this.#record(dueMs, 'unsent')
    this.#queue.push(dueMs)
  }

  #send(connection: Connection, dueMs: number): void {
    connection.dueMs = dueMs
    connection.socket.write(this.#request(dueMs))
  }

  #open(dueMs: number): void {
    const { protocol, hostname, port } = this.#url
    const host = hostname.replace(/^\[|\]$/g, '')
    // A drill measures; it sends nothing secret, so a certificate that no authority signed is no reason to stop.
    const socket =
      protocol === 'https:'
        ? connectTls({ host, port: Number(port || 443), servername: host, rejectUnauthorized: false })
        : connect({ host, port: Number(port || 80), noDelay: true })
    const reader = new ResponseReader((answer) => this.#answered(connection, answer))
    const connection: Connection = { socket, dueMs, connected: false, gone: false }
    this.#connections.add(connection)
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => (connection.connected = true))
    socket.on('data', (bytes: Buffer) => {
      try {
        reader.feed(bytes)
      } catch {
        this.#lose(connection, 'bad-answer')
      }
    })
    socket.on('end', () => {
      if (!reader.close()) this.#lose(connection, 'reset')
    })
    socket.on('error', () => this.#lose(connection, connection.connected ? 'reset' : 'connect'))
    socket.on('close', () => this.#lose(connection, connection.connected ? 'reset' : 'connect'))
    // Written before it is connected: the system sends it as soon as it can.
    socket.write(this.#request(dueMs))
  }

  #answered(connection: Connection, answer: ReadAnswer): void {
    if (connection.dueMs === undefined) return this.#lose(connection, 'bad-answer') // An answer nobody asked for.
    this.#record(connection.dueMs, judge(answer), rightOf(answer))
    connection.dueMs = undefined
    if (!answer.reusable) return this.#lose(connection, 'reset')
    const next = this.#dequeue()
    if (next === undefined) this.#idle.push(connection)
    else this.#send(connection, next)
  }

  /** Takes a connection out; `outcome` is that of the request it carried, if any. */
  #lose(connection: Connection, outcome: Outcome): void {
    if (connection.gone) return
    connection.gone = true
    connection.socket.destroy()
    this.#connections.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    if (connection.dueMs !== undefined) this.#record(connection.dueMs, outcome)
    const next = this.#dequeue()
    if (next !== undefined) this.#open(next)
  }

  #dequeue(): number | undefined {
    if (this.#queueHead === this.#queue.length) {
      this.#queue = []
      this.#queueHead = 0
      return undefined
    }
    if (this.#queueHead > this.#queueMax) {
      this.#queue = this.#queue.slice(this.#queueHead)
      this.#queueHead = 0
    }
    return this.#queue[this.#queueHead++]
  }

  #sweep(): void {
    const late = this.#now() - this.#timeoutMs
    while (this.#queue[this.#queueHead] !== undefined && this.#queue[this.#queueHead]! < late) {
      this.#record(this.#queue[this.#queueHead++]!, 'timeout')
    }
    for (const connection of this.#connections) {
      if (connection.dueMs !== undefined && connection.dueMs < late) this.#lose(connection, 'timeout')
    }
  }

  #record(dueMs: number, outcome: Outcome, right?: Pick<Sample, 'epoch' | 'unit'>): void {
    this.#samples.push({ dueMs, endMs: this.#now(), outcome, ...right })
    if (this.#samples.length >= this.#scheduled) this.#drained?.()
  }
}

interface Connection {
  readonly socket: Socket
  /** Of the request under way; undefined while idle. */
  dueMs: number | undefined
  connected: boolean
  gone: boolean
}

function judge({ status, head }: ReadAnswer): Outcome {
  if (status >= 400) return `status ${status}`
  // Warning 110 is HTTP's own mark of an answer that is older than it should be.
  const stale = field(head, 'warning')?.startsWith('110') === true
  return stale || field(head, 'x-budao-fallback') !== undefined ? 'degraded' : 'ok'
}

/** By which right a write was done, as the gateway says that did it. */
function rightOf({ head }: ReadAnswer): Pick<Sample, 'epoch' | 'unit'> | undefined {
  const epoch = field(head, 'x-budao-epoch')
  if (epoch === undefined || !/^\d{1,15}$/.test(epoch)) return undefined
  return { epoch: Number(epoch), unit: field(head, 'x-budao-unit') ?? '' }
}
