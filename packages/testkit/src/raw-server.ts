import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { reset } from './reset.ts'

/** One request as its bytes arrived, and the connection to answer it on. Strings are latin1, one character a byte. */
export interface RawExchange {
  readonly connection: RawConnection
  /** Position of this request on its connection, from 0. */
  readonly index: number
  /** Up to and including the empty line. */
  readonly head: string
  readonly method: string
  readonly target: string
  /** A header's value whatever its case; undefined when absent. */
  readonly header: (name: string) => string | undefined
  /** The body's bytes as framed by the client, once all have arrived. Rejects when the client goes away first. */
  readonly body: () => Promise<string>
}

/** What a scripted backend does with one request. It may answer partly, late, wrongly or never. */
export type RawHandler = (exchange: RawExchange) => void | Promise<void>

/** The backend's end of one connection. */
export class RawConnection {
  readonly socket: Socket
  /** True once the peer has closed or reset. */
  ended = false
  #received: string[] = []
  /** What of it belongs to no request yet. */
  #rest = ''
  #index = 0
  #busy = false
  #wake: (() => void)[] = []
  readonly #handler: RawHandler

  constructor(socket: Socket, handler: RawHandler) {
    this.socket = socket
    this.#handler = handler
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#received.push(chunk)
      this.#rest += chunk
      this.#changed()
      this.#next()
    })
    // A peer that resets is what many tests are about.
    socket.on('error', () => {})
    const ended = (): void => {
      this.ended = true
      this.#changed()
    }
    socket.on('end', ended)
    socket.on('close', ended)
  }

  /** All bytes received so far, heads and bodies. Joined when asked for: a connection may carry thousands of requests. */
  get received(): string {
    if (this.#received.length > 1) this.#received = [this.#received.join('')]
    return this.#received[0] ?? ''
  }

  /** Sends these bytes and nothing else. */
  write(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** A whole response with Content-Length. */
  respond(status: number, body: string = '', headers: Readonly<Record<string, string>> = {}): void {
    const bytes = Buffer.from(body)
    const lines = Object.entries({ ...headers, 'Content-Length': String(bytes.length) })
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    this.socket.write(
      Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Scripted\r\n${head}\r\n`, 'latin1'), bytes]),
    )
  }

  /** FIN after what was written. */
  end(): void {
    this.socket.end()
  }

  /** RST at once. */
  reset(): void {
    reset(this.socket)
  }

  /** Resolves once the peer has closed or reset. */
  async waitForEnd(): Promise<void> {
    while (!this.ended) await this.#change()
  }

  #next(): void {
    const headEnd = this.#rest.indexOf('\r\n\r\n')
    if (this.#busy || headEnd === -1) return
    this.#busy = true
    const head = this.#take(headEnd + 4)
    const [method = '', target = ''] = head.split(' ', 2)
    const header = (name: string): string | undefined =>
      new RegExp(`^${name}:[ \t]*(.*?)[ \t]*\r$`, 'im').exec(head)?.[1]
    let body: Promise<string> | undefined
    const readBody = (): Promise<string> => (body ??= this.#body(header))
    const exchange: RawExchange = {
      connection: this,
      index: this.#index++,
      head,
      method,
      target,
      header,
      body: readBody,
    }
    // The next head starts behind this body, so the body is taken even when the handler does not care.
    const handled = Promise.all([Promise.resolve(this.#handler(exchange)), readBody()])
    handled.then(
      () => {
        this.#busy = false
        this.#next()
      },
      (error: unknown) => this.socket.destroy(error as Error),
    )
  }

  async #body(header: (name: string) => string | undefined): Promise<string> {
    if (header('transfer-encoding') !== undefined) {
      // Enough for tests: trailers are not scripted, so the last chunk ends with an empty line.
      const mark = '0\r\n\r\n'
      let at = -1
      while ((at = this.#rest.indexOf(mark)) === -1) await this.#change()
      return this.#take(at + mark.length)
    }
    const length = Number(header('content-length') ?? 0)
    while (this.#rest.length < length) await this.#change()
    return this.#take(length)
  }

  /** A copy: a slice would keep all that came with it in memory. */
  #take(length: number): string {
    const taken = Buffer.from(this.#rest.slice(0, length), 'latin1').toString('latin1')
    this.#rest = this.#rest.slice(length)
    return taken
  }

  async #change(): Promise<void> {
    if (this.ended) throw new Error('the client went away')
    await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** A backend on 127.0.0.1 whose handler decides over every byte of the answer. */
export class RawServer {
  readonly port: number
  /** As an endpoint's address: `127.0.0.1:PORT`. */
  readonly address: string
  /** Every connection it ever accepted, in order. */
  readonly connections: RawConnection[] = []
  /** Heads of every request it ever received, in order. */
  readonly heads: string[] = []
  readonly #server: Server

  constructor(server: Server, connections: RawConnection[], heads: string[]) {
    this.#server = server
    this.connections = connections
    this.heads = heads
    this.port = (server.address() as AddressInfo).port
    this.address = `${(server.address() as AddressInfo).address}:${this.port}`
  }

  /** Connections whose peer is still there. */
  get open(): number {
    return this.connections.filter(({ ended, socket }) => !ended && !socket.destroyed).length
  }

  /** Stops listening and resets every connection: the process died. */
  async kill(): Promise<void> {
    for (const { socket } of this.connections) reset(socket)
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/**
 * Starts a scripted backend that ends with the test. Requests of one connection are handled one after the other.
 *
 * @param port 0, the default, picks a free one
 * @param host another loopback address, to be another machine
 */
export async function rawServer(
  t: TestContext,
  handler: RawHandler,
  port: number = 0,
  host: string = '127.0.0.1',
): Promise<RawServer> {
  const connections: RawConnection[] = []
  const heads: string[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const recorded: RawHandler = (exchange) => {
      heads.push(exchange.head)
      return handler(exchange)
    }
    connections.push(new RawConnection(socket, recorded))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const started = new RawServer(server, connections, heads)
  t.after(() => started.kill())
  return started
}
