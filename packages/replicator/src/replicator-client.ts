import type { WriteRight } from './authority/standing.ts'
import type { Settled } from './loop/durability.ts'

/** Where this site’s replicator is. */
export interface ReplicatorClientOptions {
  /** Such as `http://127.0.0.1:9910`. */
  readonly url: string
  readonly token?: string
  /** How long it may take to say what became of a write, milliseconds. Default 5000. */
  readonly timeoutMs?: number
}

const timeoutMsDefault = 5000

/** Asks the replicator of this site, for an application that writes through an outbox. */
export class ReplicatorClient {
  readonly #options: ReplicatorClientOptions

  constructor(options: ReplicatorClientOptions) {
    this.#options = options
  }

  /**
   * Waits until the other sites have a write, before it is acknowledged. `right`: under which it was made; without it every
   * right of this site that has ended counts. `unknown`: nobody can say; it is here, and the same write may be asked about again.
   */
  async settled(id: string, right?: WriteRight): Promise<Settled> {
    const { url, token, timeoutMs = timeoutMsDefault } = this.#options
    const query = new URLSearchParams({ id })
    if (right !== undefined) query.set('epoch', String(right.epoch))
    if (right?.unit !== undefined) query.set('unit', right.unit)
    try {
      const response = await fetch(`${url}/v1/events/settled?${query.toString()}`, {
        signal: AbortSignal.timeout(timeoutMs),
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })
      const { durability } = (await response.json()) as { readonly durability?: Settled }
      return durability ?? 'unknown'
    } catch {
      return 'unknown'
    }
  }
}
