import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface PhonesOptions {
  /** Gateways, by origin. A phone's home is one of them by turns; the next one is its backup channel. */
  readonly gateways: readonly string[]
  /** Default 40. */
  readonly users?: number
  /** Mean time between two requests of a user, milliseconds. Default 800. */
  readonly thinkMs?: number
  /** For one request over one channel, milliseconds. Default 4000: more than a gateway gives a request. */
  readonly timeoutMs?: number
}

/** Requests by result, since the start. */
export interface PhonesCounts {
  /** Answered through the home gateway. */
  readonly ok: number
  /** Answered through the other gateway, after the home gateway could not be reached. */
  readonly backup: number
  /** Answered by a gateway's fallback. */
  readonly degraded: number
  /** What a user would have noticed: no answer through either gateway, or one of 500 and above. */
  readonly failed: number
  readonly orders: number
}

interface Call {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly path: string
  readonly body?: object
  readonly key?: string
}

interface Result {
  readonly status: number
  readonly degraded: boolean
}

/**
 * People who browse the shop: a list, a product, now and then the cart, seldom an order. Each request is tried over
 * the home gateway and, when that cannot be reached, once over the other one.
 */
export class Phones {
  readonly #options: Required<PhonesOptions>
  readonly #random: () => number
  readonly #agent: Agent
  readonly #stopped = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #counts = { ok: 0, backup: 0, degraded: 0, failed: 0, orders: 0 }

  constructor(random: () => number, options: PhonesOptions) {
    this.#random = random
    this.#options = { users: 40, thinkMs: 800, timeoutMs: 4_000, ...options }
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: this.#options.users,
      maxFreeSockets: this.#options.users,
    })
  }

  get counts(): PhonesCounts {
    return { ...this.#counts }
  }

  start(): void {
    const users = Array.from({ length: this.#options.users }, (_, index) => this.#live(index))
    this.#running = Promise.all(users)
  }

  /** Resolves when no request is under way any more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
    this.#agent.destroy()
  }

  async #live(index: number): Promise<void> {
    const { gateways } = this.#options
    const home = gateways[index % gateways.length]!
    const backup = gateways[(index + 1) % gateways.length]!
    const user = `phone-${index + 1}`
    while (await this.#think()) {
      for (const call of this.#visit(user)) {
        await this.#call(user, call, home, backup)
        if (!(await this.#think())) return
      }
    }
  }

  /** One visit to the shop. */
  #visit(user: string): Call[] {
    const id = 1 + Math.floor(this.#random() * 40)
    const items = [{ productId: id, quantity: 1 }]
    const calls: Call[] = [
      { method: 'GET', path: `/api/products?page=${1 + Math.floor(this.#random() * 4)}` },
      { method: 'GET', path: `/api/products/${id}` },
    ]
    if (this.#random() < 0.4) calls.push({ method: 'PUT', path: '/api/cart', body: { items } })
    if (this.#random() < 0.4) calls.push({ method: 'GET', path: '/api/cart' })
    if (this.#random() < 0.1) {
      const key = `${user}-${Date.now().toString(36)}-${Math.floor(this.#random() * 1e9).toString(36)}`
      calls.push({ method: 'POST', path: '/api/orders', body: { items }, key })
    }
    return calls
  }

  async #call(user: string, call: Call, home: string, backup: string): Promise<void> {
    let result = await this.#send(home, user, call)
    let channel: 'ok' | 'backup' = 'ok'
    // Every call here may be sent twice: reads, a PUT of the whole cart, an order with its key.
    if (result === null && backup !== home && !this.#stopped.signal.aborted) {
      result = await this.#send(backup, user, call)
      channel = 'backup'
    }
    if (this.#stopped.signal.aborted) return
    if (result === null || result.status >= 500) this.#counts.failed++
    else if (result.degraded) this.#counts.degraded++
    else this.#counts[channel]++
    if (call.method === 'POST' && result?.status === 201) this.#counts.orders++
  }

  /** Null: the gateway could not be reached, or broke off. */
  #send(gateway: string, user: string, { method, path, body, key }: Call): Promise<Result | null> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve) => {
      const request = httpRequest(gateway + path, {
        method,
        agent: this.#agent,
        signal: AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(this.#options.timeoutMs)]),
        headers: {
          'X-User': user,
          ...(key === undefined ? {} : { 'Idempotency-Key': key }),
          ...(text === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
        },
      })
      request.on('error', () => resolve(null))
      request.on('response', (response) => {
        response.on('error', () => resolve(null))
        response.on('close', () => resolve(null))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            degraded:
              response.headers['x-budao-fallback'] !== undefined || response.headers.warning !== undefined,
          }),
        )
        response.resume()
      })
      request.end(text)
    })
  }

  /** Between half and one and a half of the mean. False when the phones are being stopped. */
  async #think(): Promise<boolean> {
    const ms = this.#options.thinkMs * (0.5 + this.#random())
    const { signal } = this.#stopped
    await sleep(ms, undefined, { signal }).catch(() => {})
    return !signal.aborted
  }
}
