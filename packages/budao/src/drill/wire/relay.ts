import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** What passes: all, nothing, or only what is sent to the endpoint. */
export type RelayState = 'passing' | 'cut' | 'answers lost'

const connectionsMax = 4_096

/**
 * Carries bytes between a gateway and one endpoint. What is cut is not read: as with packets that get lost on the way, the ends
 * of a connection notice nothing but silence, and what they have sent arrives when the cut is over. Unlike on a real network,
 * connections are accepted meanwhile.
 */
export class Relay {
  readonly listen: string
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #pairs = new Set<Pair>()
  #state: RelayState = 'passing'

  /** Rejects where the address cannot be bound. */
  static async open(listen: string, to: string): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
    const at = partsOf(listen)
    server.maxConnections = connectionsMax
    server.listen(at.port, at.host)
    await once(server, 'listening')
    return new Relay(server, listen, to)
  }

  private constructor(server: Server, listen: string, to: string) {
    this.listen = listen
    this.#server = server
    this.#target = partsOf(to)
    server.on('connection', (client) => this.#accept(client))
  }

  get state(): RelayState {
    return this.#state
  }

  /** From now on, for open connections too. */
  set(state: RelayState): void {
    this.#state = state
    for (const pair of this.#pairs) this.#apply(pair)
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const { client, endpoint } of this.#pairs) {
      client.destroy()
      endpoint?.destroy()
    }
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, endpoint: null }
    this.#pairs.add(pair)
    client.on('error', () => pair.endpoint?.resetAndDestroy())
    client.on('close', () => {
      this.#pairs.delete(pair)
      pair.endpoint?.destroy()
    })
    this.#apply(pair)
  }

  /** Reading is what carries bytes on: a side that is not read holds its peer back, and loses nothing. */
  #apply(pair: Pair): void {
    if (this.#state === 'cut') {
      pair.client.pause()
      pair.endpoint?.pause()
      return
    }
    const endpoint = (pair.endpoint ??= this.#connect(pair))
    if (!endpoint.writableNeedDrain) pair.client.resume()
    if (this.#state === 'answers lost') endpoint.pause()
    else if (!pair.client.writableNeedDrain) endpoint.resume()
  }

  #connect(pair: Pair): Socket {
    const { client } = pair
    const endpoint = connect({ ...this.#target, noDelay: true, allowHalfOpen: true })
    endpoint.on('error', () => client.resetAndDestroy())
    endpoint.on('close', () => client.destroySoon())
    this.#carry(client, endpoint, () => this.#state !== 'cut')
    this.#carry(endpoint, client, () => this.#state === 'passing')
    return endpoint
  }

  #carry(from: Socket, to: Socket, mayGoOn: () => boolean): void {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause()
    })
    to.on('drain', () => {
      if (mayGoOn()) from.resume()
    })
    from.on('end', () => to.end())
  }
}

interface Pair {
  readonly client: Socket
  /** Null until the first moment at which something may pass. */
  endpoint: Socket | null
}

function partsOf(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) }
}
