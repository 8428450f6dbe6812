import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { RelaysConfig } from '@budao/model'
import { Relay } from './relay.ts'

const http = process.getBuiltinModule('node:http')

const bodyMax = 65_536
const forMsMax = 3_600_000

/** Relays in front of endpoints and the address at which they are told what to lose. Every cut ends by itself. */
export class RelayControl {
  readonly #relays: readonly Relay[]
  readonly #server: Server
  #timer: NodeJS.Timeout | undefined

  /** Rejects where an address cannot be bound. */
  static async open({ control, links }: RelaysConfig): Promise<RelayControl> {
    const relays: Relay[] = []
    try {
      for (const { listen, to } of links) relays.push(await Relay.open(listen, to))
      const at = control.lastIndexOf(':')
      const server = http.createServer()
      server.listen(Number(control.slice(at + 1)), control.slice(0, at).replace(/^\[|\]$/g, ''))
      await once(server, 'listening')
      return new RelayControl(relays, server)
    } catch (error) {
      await Promise.all(relays.map((relay) => relay.close()))
      throw error
    }
  }

  private constructor(relays: readonly Relay[], server: Server) {
    this.#relays = relays
    this.#server = server
    server.on('request', (request, response) => {
      this.#answer(request).then(
        (body) => send(response, 200, body),
        (error: unknown) => send(response, 400, { message: (error as Error).message }),
      )
    })
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#server.close()
    this.#server.closeAllConnections()
    await Promise.all([once(this.#server, 'close'), ...this.#relays.map((relay) => relay.close())])
  }

  async #answer(request: IncomingMessage): Promise<object> {
    // A page in a browser on this machine must not be able to: it cannot ask for JSON without asking first.
    if (request.method !== 'GET' && request.headers['content-type'] !== 'application/json')
      throw new Error('Content-Type: expected application/json')
    switch (`${request.method} ${request.url}`) {
      case 'GET /links':
        return {
          endpoints: this.#relays.map(({ listen }) => listen),
          cut: this.#relays.filter(({ state }) => state !== 'passing').map(({ listen }) => listen),
        }
      case 'PUT /cut':
        return this.#cut(JSON.parse(await limited(request)))
      case 'DELETE /cut':
        return this.#mend()
      default:
        throw new Error(`expected GET /links, PUT /cut or DELETE /cut, got ${request.method} ${request.url}`)
    }
  }

  #cut(wish: unknown): object {
    const { endpoints, lost, forMs } = wish as Record<string, unknown>
    if (lost !== 'everything' && lost !== 'answers') throw new Error('lost: expected everything or answers')
    if (typeof forMs !== 'number' || !(forMs > 0 && forMs <= forMsMax))
      throw new Error(`forMs: expected a time up to ${forMsMax}`)
    if (!Array.isArray(endpoints)) throw new Error('endpoints: expected a list')
    const relays = endpoints.map((address) => {
      const relay = this.#relays.find(({ listen }) => listen === address)
      if (relay === undefined) throw new Error(`endpoints: there is no relay at ${String(address)}`)
      return relay
    })
    this.#mend()
    for (const relay of relays) relay.set(lost === 'everything' ? 'cut' : 'answers lost')
    this.#timer = setTimeout(() => this.#mend(), forMs)
    return { ok: true }
  }

  #mend(): object {
    clearTimeout(this.#timer)
    for (const relay of this.#relays) relay.set('passing')
    return { ok: true }
  }
}

async function limited(request: IncomingMessage): Promise<string> {
  const length = Number(request.headers['content-length'] ?? Infinity)
  if (!(length <= bodyMax)) throw new Error(`expected a body of at most ${bodyMax} bytes, with its length`)
  return text(request)
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
