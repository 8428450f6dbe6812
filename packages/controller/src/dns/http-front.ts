import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GslbHttpConfig } from '@budao/model'
import { httpDns, type HttpAnswer } from './http-dns.ts'
import { NetworkSet } from './network-set.ts'
import { remoteBackend } from './providers/remote-backend.ts'
import type { Responder } from './responder.ts'
import type { ZoneBook } from './zone-book.ts'

const http = process.getBuiltinModule('node:http')

/** What a question over HTTP may take up. */
const HEAD_BYTES_MAX = 8_192
const HEAD_MS = 5_000
const IDLE_MS = 75_000
const CONNECTIONS_MAX = 1_000

export interface HttpFrontOptions {
  readonly responder: Responder
  config(): GslbHttpConfig
  book(): ZoneBook
}

/** Questions over HTTP at one address. Only GET and HEAD; a body is not read. */
export class HttpFront {
  readonly #server: Server
  readonly #options: HttpFrontOptions
  #trusted: NetworkSet
  #trust: readonly string[]

  /** Rejects where the address cannot be bound. */
  static async open(host: string, port: number, options: HttpFrontOptions): Promise<HttpFront> {
    const server = http.createServer({
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEAD_MS,
      requestTimeout: HEAD_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 1_000,
    })
    server.maxConnections = CONNECTIONS_MAX
    server.listen({ host, port })
    await once(server, 'listening')
    return new HttpFront(server, options)
  }

  private constructor(server: Server, options: HttpFrontOptions) {
    this.#server = server
    this.#options = options
    this.#trust = options.config().trust
    this.#trusted = new NetworkSet(this.#trust)
    server.on('request', (request, response) => this.#onRequest(request, response))
    // Without file descriptors left, accepting fails: those that are open go on.
    server.on('error', () => {})
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { status, type, body } = this.#answer(request)
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
    response.writeHead(status, {
      'content-type': `${type}; charset=utf-8`,
      'content-length': Buffer.byteLength(body),
      // Its time to live is in the answer: what lies between must not add its own.
      'cache-control': 'no-store',
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
      ...(hasBody ? { connection: 'close' } : {}),
    })
    response.end(request.method === 'HEAD' ? '' : body)
  }

  #answer(request: IncomingMessage): HttpAnswer {
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, 'GET and HEAD only')
    const url = URL.parse(request.url ?? '/', 'http://dns')
    if (url === null) return refusal(400, 'the path cannot be read')
    const { responder } = this.#options
    if (responder.muted) return refusal(503, 'a drill: no questions are answered')
    const peer = this.#peer(request)
    if (this.#options.config().remoteBackend) {
      const header = (name: string): string | undefined => {
        const value = request.headers[name]
        return typeof value === 'string' ? value : undefined
      }
      const answer = remoteBackend(responder, this.#options.book(), {
        url,
        realRemote: header('x-remotebackend-real-remote'),
        remote: header('x-remotebackend-remote'),
      })
      if (answer !== null) return answer
    }
    return httpDns(responder, url, { peer }) ?? refusal(404, 'there is /dns, /resolve and /d')
  }

  /** The last address that a trusted peer has not itself been the source of. */
  #peer(request: IncomingMessage): string {
    const { trust } = this.#options.config()
    if (trust !== this.#trust) {
      this.#trust = trust
      this.#trusted = new NetworkSet(trust)
    }
    let peer = request.socket.remoteAddress ?? '0.0.0.0'
    const forwarded = String(request.headers['x-forwarded-for'] ?? '').split(',')
    while (this.#trusted.has(peer) && forwarded.length > 0) {
      const next = forwarded.pop()!.trim()
      if (!NetworkSet.isAddress(next)) break
      peer = next
    }
    return peer
  }
}

function refusal(status: number, error: string): HttpAnswer {
  return { status, type: 'application/json', body: JSON.stringify({ error }) }
}
