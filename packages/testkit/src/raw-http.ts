import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { reset } from './reset.ts'

const readMsMax = 10_000

/** A response as it came over the wire. */
export interface RawResponse {
  readonly status: number
  readonly reason: string
  /** In order of arrival, names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The body's bytes as latin1, chunked framing removed. */
  readonly body: string
  /** Of a chunked body. */
  readonly trailers: readonly (readonly [name: string, value: string])[]
  /** A header's value whatever its case; several lines joined by `, `; undefined when absent. */
  readonly header: (name: string) => string | undefined
}

/**
 * A client that sends exactly the bytes it is told to and reads what comes back, for what a well-mannered HTTP client
 * cannot say. Strings are latin1, one character a byte. Every read rejects after `timeoutMs` (default 10 s).
 */
export class RawClient {
  readonly socket: Socket
  #received = ''
  #ended = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#received += chunk
      this.#wake?.()
    })
    socket.on('error', (error) => {
      this.#error = error
    })
    const ended = (): void => {
      this.#ended = true
      this.#wake?.()
    }
    socket.on('end', ended)
    socket.on('close', ended)
  }

  /** Bytes that arrived and were not yet taken by a read. */
  get pending(): string {
    return this.#received
  }

  /** True once the other side has closed its direction, or reset. */
  get closed(): boolean {
    return this.#ended
  }

  /** `ECONNRESET` and the like, when the connection ended with an error. */
  get error(): Error | undefined {
    return this.#error
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Sends one piece a turn of the event loop, so that they arrive as separate reads as a rule. */
  async sendPieces(pieces: Iterable<string>): Promise<void> {
    for (const piece of pieces) {
      this.send(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Closes our direction; the other side may still answer. */
  endWriting(): void {
    this.socket.end()
  }

  /** Drops the connection with RST: what a crashed phone looks like. */
  reset(): void {
    reset(this.socket)
  }

  /** Takes exactly so many bytes. Rejects when the connection ends before. */
  async readBytes(count: number, timeoutMs: number = readMsMax): Promise<string> {
    await this.#until(() => this.#received.length >= count, `${count} bytes`, timeoutMs)
    return this.#take(count)
  }

  /** Takes everything up to and including the mark. */
  async readUntil(mark: string, timeoutMs: number = readMsMax): Promise<string> {
    await this.#until(() => this.#received.includes(mark), JSON.stringify(mark), timeoutMs)
    return this.#take(this.#received.indexOf(mark) + mark.length)
  }

  /** Takes everything until the other side closes. */
  async readToEnd(timeoutMs: number = readMsMax): Promise<string> {
    await this.#until(() => this.#ended, 'the end of the connection', timeoutMs)
    return this.#take(this.#received.length)
  }

  /**
   * Takes one response. `method` decides whether a body follows: there is none after HEAD, 1xx, 204 and 304.
   * Interim 1xx responses are returned as responses of their own.
   */
  async readResponse(method: string = 'GET', timeoutMs: number = readMsMax): Promise<RawResponse> {
    const head = parseHead(await this.readUntil('\r\n\r\n', timeoutMs))
    const bodiless = method === 'HEAD' || head.status < 200 || head.status === 204 || head.status === 304
    if (bodiless) return { ...head, body: '', trailers: [] }
    if (head.header('transfer-encoding')?.toLowerCase() === 'chunked') {
      return { ...head, ...(await this.#readChunked(timeoutMs)) }
    }
    const length = head.header('content-length')
    const body = length === undefined ? this.readToEnd(timeoutMs) : this.readBytes(Number(length), timeoutMs)
    return { ...head, body: await body, trailers: [] }
  }

  async #readChunked(timeoutMs: number): Promise<Pick<RawResponse, 'body' | 'trailers'>> {
    let body = ''
    for (;;) {
      const sizeLine = await this.readUntil('\r\n', timeoutMs)
      const size = /^([0-9a-f]+)(;.*)?\r\n$/i.exec(sizeLine)?.[1]
      if (size === undefined) throw new Error(`expected a chunk size, got ${JSON.stringify(sizeLine)}`)
      if (Number.parseInt(size, 16) === 0) break
      const chunk = await this.readBytes(Number.parseInt(size, 16) + 2, timeoutMs)
      if (!chunk.endsWith('\r\n'))
        throw new Error(`expected CRLF after a chunk, got ${JSON.stringify(chunk)}`)
      body += chunk.slice(0, -2)
    }
    const trailers: (readonly [string, string])[] = []
    for (;;) {
      const line = await this.readUntil('\r\n', timeoutMs)
      if (line === '\r\n') return { body, trailers }
      trailers.push(parseField(line.slice(0, -2)))
    }
  }

  #take(count: number): string {
    const taken = this.#received.slice(0, count)
    this.#received = this.#received.slice(count)
    return taken
  }

  async #until(done: () => boolean, what: string, timeoutMs: number): Promise<void> {
    let expired = false
    const timer = setTimeout(() => {
      expired = true
      this.#wake?.()
    }, timeoutMs)
    try {
      while (!done()) {
        const got = JSON.stringify(this.#received)
        if (this.#ended)
          throw new Error(`connection ended (${this.#error?.message ?? 'FIN'}) before ${what}: ${got}`)
        if (expired) throw new Error(`no ${what} within ${timeoutMs} ms: ${got}`)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
      this.#wake = undefined
    }
  }
}

/** Opens a connection to 127.0.0.1 that is destroyed when the test ends. */
export async function rawConnect(t: TestContext, port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  t.after(() => socket.destroy())
  const client = new RawClient(socket)
  await once(socket, 'connect')
  return client
}

/** One request on a connection of its own: all bytes in, the first final response out. */
export async function rawExchange(t: TestContext, port: number, request: string): Promise<RawResponse> {
  const client = await rawConnect(t, port)
  client.send(request)
  const method = request.slice(0, request.indexOf(' '))
  for (;;) {
    const response = await client.readResponse(method)
    if (response.status >= 200) {
      client.socket.destroy()
      return response
    }
  }
}

function parseHead(bytes: string): Pick<RawResponse, 'status' | 'reason' | 'headers' | 'header'> {
  const [statusLine = '', ...lines] = bytes.slice(0, -4).split('\r\n')
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(statusLine)
  if (match === null) throw new Error(`expected a status line, got ${JSON.stringify(statusLine)}`)
  const headers = lines.map(parseField)
  const header = (name: string): string | undefined => {
    const values = headers
      .filter(([key]) => key.toLowerCase() === name.toLowerCase())
      .map(([, value]) => value)
    return values.length === 0 ? undefined : values.join(', ')
  }
  return { status: Number(match[1]), reason: match[2]!, headers, header }
}

function parseField(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon < 1) throw new Error(`expected a header field, got ${JSON.stringify(line)}`)
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}
