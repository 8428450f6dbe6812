import type { CacheConfig, RouteConfig } from '@budao/model'
import type { AnswerStore } from './answer-store.ts'
import { FlightTable } from './flight-table.ts'
import { Flights } from './flights.ts'
import { MemoryStore } from './memory-store.ts'
import { RouteCache } from './route-cache.ts'

/** The caches as one worker uses them. */
export class ThreadCaches {
  /** By their memory: a reload that leaves a cache as it is finds what this thread has read of it. */
  readonly #stores: WeakMap<SharedArrayBuffer, MemoryStore> = new WeakMap()
  readonly #owner: number
  #flights: Flights | null = null

  /** `worker` from 0. */
  constructor(worker: number) {
    this.#owner = worker + 1
  }

  inMemory(memory: SharedArrayBuffer, config: CacheConfig): AnswerStore {
    let store = this.#stores.get(memory)
    if (store === undefined) {
      store = new MemoryStore(memory, config, this.#owner)
      this.#stores.set(memory, store)
    }
    return store
  }

  /** The cache of a route, over one of `stores`; null when it keeps nothing. `flights` is the memory of a `FlightTable`. */
  forRoute(
    { name, cache, fallback }: RouteConfig,
    row: number,
    stores: ReadonlyMap<string, AnswerStore>,
    flights: SharedArrayBuffer,
  ): RouteCache | null {
    if (cache === undefined && fallback?.stale === undefined) return null
    // The memory is the same for the life of the process.
    this.#flights ??= new Flights(new FlightTable(flights, this.#owner))
    return new RouteCache({
      route: name,
      row,
      config: cache,
      fallbackMs: fallback?.stale ?? 0,
      fallbackBytes: fallback?.staleBytes ?? 0,
      store: stores.get(cache?.in ?? 'default')!,
      flights: this.#flights,
    })
  }
}
