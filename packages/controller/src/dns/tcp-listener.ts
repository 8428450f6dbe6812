import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { GslbTcpConfig } from '@budao/model'
import type { DnsCounts } from './dns-counts.ts'
import type { Responder } from './responder.ts'

const LENGTH_BYTES = 2
/** A message may be 64 KiB, a question never is: what announces more is not one. */
const QUESTION_BYTES_MAX = 4_096
/** Answers that a client does not read: no more questions of its are read until it does. */
const UNREAD_BYTES_MAX = 65_536
const SWEEP_MS = 1_000

interface Connection {
  readonly socket: Socket
  readonly client: string
  /** The beginning of a message. */
  rest: Buffer
  /** When its last whole question came, or itself. */
  at: number
}

const nothing: Buffer = Buffer.alloc(0)

/** Questions over TCP at one address, several on one connection, answered in their order (RFC 7766). */
export class TcpListener {
  readonly #server: Server
  readonly #limits: () => GslbTcpConfig
  readonly #responder: Responder
  readonly #counts: DnsCounts
  readonly #open: Set<Connection> = new Set()
  readonly #clients: Map<string, number> = new Map()
  readonly #sweeper: NodeJS.Timeout

  /** Rejects where the address cannot be bound. */
  static async open(
    host: string,
    port: number,
    responder: Responder,
    counts: DnsCounts,
    limits: () => GslbTcpConfig,
  ): Promise<TcpListener> {
    const server = createServer({ noDelay: true })
    server.listen({ host, port })
    await once(server, 'listening')
    return new TcpListener(server, responder, counts, limits)
  }

  private constructor(server: Server, responder: Responder, counts: DnsCounts, limits: () => GslbTcpConfig) {
    this.#server = server
    this.#responder = responder
    this.#counts = counts
    this.#limits = limits
    server.on('connection', (socket) => this.#accept(socket))
    // Without file descriptors left, accepting fails: those that are open go on.
    server.on('error', () => counts.refusedConnections++)
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Open connections. */
  get connections(): number {
    return this.#open.size
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const { socket } of this.#open) socket.destroy()
    await closed
  }

  #accept(socket: Socket): void {
    const client = socket.remoteAddress
    const { connections, perClient } = this.#limits()
    const own = this.#clients.get(client ?? '') ?? 0
    if (client === undefined || this.#open.size >= connections || own >= perClient)
      return this.#refuse(socket)
    const connection: Connection = { socket, client, rest: nothing, at: performance.now() }
    this.#open.add(connection)
    this.#clients.set(client, own + 1)
    socket.on('data', (chunk: Buffer) => this.#read(connection, chunk))
    socket.on('drain', () => socket.resume())
    // A reset is a client's right.
    socket.on('error', () => {})
    socket.on('close', () => this.#forget(connection))
  }

  #read(connection: Connection, chunk: Buffer): void {
    const { socket, client, rest } = connection
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt16BE(at)
      if (length > QUESTION_BYTES_MAX) return this.#refuse(socket)
      const end = at + LENGTH_BYTES + length
      if (end > bytes.length) break
      const answer = this.#responder.respond(
        bytes.subarray(at + LENGTH_BYTES, end),
        client,
        'tcp',
        LENGTH_BYTES,
      )
      // Nothing that can be answered: whoever sends such things over TCP means no good.
      if (answer === null) return this.#refuse(socket)
      answer.writeUInt16BE(answer.length - LENGTH_BYTES, 0)
      socket.write(answer)
      connection.at = performance.now()
      at = end
    }
    // A copy: a few bytes must not keep the whole chunk.
    connection.rest = at === bytes.length ? nothing : Buffer.from(bytes.subarray(at))
    if (socket.writableLength > UNREAD_BYTES_MAX) socket.pause()
  }

  #refuse(socket: Socket): void {
    this.#counts.refusedConnections++
    socket.on('error', () => {})
    socket.destroy()
  }

  #forget(connection: Connection): void {
    if (!this.#open.delete(connection)) return
    const own = this.#clients.get(connection.client)! - 1
    if (own === 0) this.#clients.delete(connection.client)
    else this.#clients.set(connection.client, own)
  }

  /** Bytes of a question that never ends do not keep a connection open. */
  #sweep(): void {
    const until = performance.now() - this.#limits().idle
    for (const { socket, at } of this.#open) if (at < until) socket.destroy()
  }
}
