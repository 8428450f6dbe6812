import type { ArenaLayout } from '../threads/arena.ts'
import { endpointMemory } from '../service/service-memory.ts'
import type { Endpoint, Service } from '../service/service.ts'

interface LeftEndpoint {
  readonly endpoint: Endpoint
  /** Where its pieces of shared memory begin. */
  readonly offsets: readonly number[]
}

/**
 * Endpoints that are no longer in the snapshot and still have requests under way: a download, a tunnel. While they do,
 * their memory must not be given to others, who would find strange counts in it.
 */
export class LeftEndpoints {
  #left: LeftEndpoint[] = []

  /** Call after a snapshot came into force, with the layout and the services of the one before. */
  note(layout: ArenaLayout, before: ReadonlyMap<string, Service>, after: ReadonlyMap<string, Service>): void {
    for (const [name, { endpoints }] of before) {
      const stay = new Set(after.get(name)?.endpoints.map(({ address }) => address))
      for (const endpoint of endpoints) {
        if (stay.has(endpoint.address) || endpoint.load.inFlight() === 0) continue
        const prefix = endpointMemory(name, endpoint.address)
        const offsets = Object.entries(layout).flatMap(([key, [offset]]) =>
          key.startsWith(prefix) ? [offset] : [],
        )
        this.#left.push({ endpoint, offsets })
      }
    }
  }

  /** Where memory begins that is still written to. */
  busyOffsets(): Set<number> {
    this.#left = this.#left.filter(({ endpoint }) => endpoint.load.inFlight() > 0)
    return new Set(this.#left.flatMap(({ offsets }) => offsets))
  }

  /** Takes back what a thread that died had under way. */
  forget(worker: number): void {
    for (const { endpoint } of this.#left) endpoint.load.forget(worker)
  }
}
