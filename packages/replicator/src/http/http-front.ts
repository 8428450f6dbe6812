import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hash } from 'node:crypto'

const http = process.getBuiltinModule('node:http')

/** What a handler is asked. */
export interface Asked {
  readonly query: URLSearchParams
  /** JSON of the body; undefined without one. */
  readonly body: unknown
  /** Ends when whoever asked has gone. */
  readonly signal: AbortSignal
}

/** What it answers: JSON, text or bytes. */
export interface Answered {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** By `METHOD /path`. */
export type Handlers = Readonly<Record<string, (asked: Asked) => Promise<Answered> | Answered>>

/** Where it listens, and who may ask. */
export interface HttpFrontOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Bearer token of everybody who asks for more than `/healthz`; undefined: nobody needs one. */
  readonly token?: string
  readonly handlers: Handlers
}

/** Largest body of a request, bytes: about sixteen of the largest events. */
export const requestBytesMax: number = 16 * 1024 * 1024
const connectionsMax = 1024

/** The address of a replicator: peers, applications and people ask it. */
export class HttpFront {
  readonly #server: Server
  readonly #options: HttpFrontOptions

  private constructor(options: HttpFrontOptions) {
    this.#options = options
    this.#server = http.createServer(
      { requestTimeout: 60_000, headersTimeout: 10_000 },
      (request, response) => {
        void this.#serve(request, response)
      },
    )
    this.#server.maxConnections = connectionsMax
  }

  static async listen(options: HttpFrontOptions): Promise<HttpFront> {
    const front = new HttpFront(options)
    front.#server.listen(options.port, options.host)
    await once(front.#server, 'listening')
    return front
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    response.on('error', () => gone.abort())
    try {
      send(response, await this.#answer(request, gone.signal))
    } catch (error) {
      if (gone.signal.aborted) return
      send(response, { status: 500, body: { code: 'internal', message: (error as Error).message } })
    }
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<Answered> {
    const url = new URL(request.url ?? '/', 'http://replicator')
    if (url.pathname !== '/healthz' && !this.#mayAsk(request.headers.authorization)) {
      return refusal(401, 'unauthorized', 'expected the bearer token of replication.token')
    }
    const handler = this.#options.handlers[`${request.method} ${url.pathname}`]
    if (handler === undefined)
      return refusal(404, 'not-found', `nothing at ${request.method} ${url.pathname}`)
    const text = await readBody(request)
    if (text === null) return refusal(413, 'too-large', `expected at most ${requestBytesMax} bytes`)
    let body: unknown
    if (text !== '') {
      try {
        body = JSON.parse(text)
      } catch (error) {
        return refusal(400, 'not-json', `expected JSON: ${(error as Error).message}`)
      }
    }
    return handler({ query: url.searchParams, body, signal })
  }

  #mayAsk(authorization: string | undefined): boolean {
    const { token } = this.#options
    if (token === undefined) return true
    // Of equal length, whatever was sent.
    const digest = (text: string): Buffer => hash('sha256', text, 'buffer')
    return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`))
  }
}

/** An answer that says why not. */
export function refusal(status: number, code: string, message: string, more: object = {}): Answered {
  return { status, body: { code, message, ...more } }
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > requestBytesMax) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function send(response: ServerResponse, { status, headers = {}, body }: Answered): void {
  if (response.destroyed) return
  if (Buffer.isBuffer(body) || typeof body === 'string' || body === undefined) {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body ?? '') })
    response.end(body)
    return
  }
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    ...headers,
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
