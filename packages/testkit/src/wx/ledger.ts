import type { Served, ServedRequest } from './simulated-server.ts'

/** One thing that was done for somebody. */
export interface Effect {
  readonly at: number
  readonly user: string
  readonly key: string
  readonly entity: string
  readonly n: number
}

/**
 * The application behind simulated servers: reads are answered, writes (`{ entity, n }` as JSON) are done and noted. All servers that
 * share it share what they know, as two sites over one database.
 */
export class Ledger {
  readonly effects: Effect[] = []
  readonly #honoursKeys: boolean
  readonly #kept: Map<string, Served> = new Map()

  /** With `honoursKeys` a repeated Idempotency-Key is answered from its first result, as the gateway does. */
  constructor(honoursKeys = true) {
    this.#honoursKeys = honoursKeys
  }

  readonly serve = (request: ServedRequest): Served => {
    if (request.method === 'GET')
      return { status: 200, body: JSON.stringify({ path: request.path, at: request.at }) }
    const user = (request.header['authorization'] ?? '').replace('Bearer ', '')
    const key = request.header['idempotency-key'] ?? ''
    const kept = this.#kept.get(`${user} ${key}`)
    if (kept !== undefined && key !== '') return kept
    const { entity, n } = JSON.parse(request.body) as { entity: string; n: number }
    this.effects.push({ at: request.at, user, key, entity, n })
    const served = { status: 201, body: JSON.stringify({ done: `${entity} ${n}` }) }
    if (this.#honoursKeys) this.#kept.set(`${user} ${key}`, served)
    return served
  }

  /** Effects of a write beyond its first, over all writes. */
  get duplicates(): number {
    return this.effects.length - new Set(this.effects.map(({ entity, n }) => `${entity} ${n}`)).size
  }
}
