import type { CacheConfig, Config } from '@budao/model'
import type { RingCounts } from './answer-ring.ts'
import { FlightTable } from './flight-table.ts'
import { MemoryStore } from './memory-store.ts'
import type { PurgeMatch } from './purge-match.ts'

/** What a cache is that nobody has described. */
const undescribed: CacheConfig = { bytes: 64 * 1_048_576, entryBytes: 1_048_576 }
/** The main thread's number where workers have theirs + 1. */
const MAIN = 0x7fff_ffff

/** The memory of the caches of a snapshot. Sent to the threads. */
export interface CacheMemory {
  /** Of a `FlightTable`. */
  readonly flights: SharedArrayBuffer
  /** Counts the purges of those that are elsewhere. */
  readonly purges: SharedArrayBuffer
  /** Of those in memory, by name. */
  readonly stores: Readonly<Record<string, SharedArrayBuffer>>
}

/** What a cache in memory counts. */
export interface CacheCounts extends RingCounts {
  readonly bytesMax: number
}

interface Held {
  readonly config: CacheConfig
  readonly memory: SharedArrayBuffer
  readonly store: MemoryStore
}

/** The caches that routes of this configuration use, in the order of their names. */
export function cachesOf({ routes, caches }: Pick<Config, 'routes' | 'caches'>): Map<string, CacheConfig> {
  const used = routes.flatMap(({ cache, fallback }) =>
    cache !== undefined ? [cache.in] : fallback?.stale !== undefined ? ['default'] : [],
  )
  return new Map([...new Set(used)].toSorted().map((name) => [name, caches[name] ?? undescribed]))
}

/** The caches in memory as the main thread sees them: it gives out the memory, purges, counts, and cleans up. */
export class Caches {
  readonly #flightMemory: SharedArrayBuffer = FlightTable.memory()
  readonly #purges: SharedArrayBuffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  readonly #flights = new FlightTable(this.#flightMemory, MAIN)
  #held: ReadonlyMap<string, Held> = new Map()
  #arranged: ReadonlyMap<string, Held> = new Map()

  /** Memory for a snapshot's caches. One keeps its memory, and what lies there, while its sizes stay the same. */
  arrange(config: Config): CacheMemory {
    const held = new Map<string, Held>()
    for (const [name, cache] of cachesOf(config)) {
      if (cache.store !== undefined) continue
      const before = this.#held.get(name)
      const same = before?.config.bytes === cache.bytes && before.config.entryBytes === cache.entryBytes
      held.set(name, same ? before : hold(cache))
    }
    this.#arranged = held
    const stores = Object.fromEntries([...held].map(([name, { memory }]) => [name, memory]))
    return { flights: this.#flightMemory, purges: this.#purges, stores }
  }

  /** What was arranged last is in force. */
  commit(): void {
    this.#held = this.#arranged
  }

  /** How many records were removed. */
  async purge(match: PurgeMatch): Promise<number> {
    let removed = 0
    for (const { store } of this.#held.values()) removed += await store.purge(match)
    return removed
  }

  counts(): Record<string, CacheCounts> {
    return Object.fromEntries(
      [...this.#held].map(([name, { store, config }]) => [
        name,
        { ...store.counts(), bytesMax: config.bytes },
      ]),
    )
  }

  /** A worker has died. */
  forget(worker: number): void {
    this.#flights.forget(worker + 1)
    for (const { store } of this.#held.values()) store.forget(worker + 1)
  }
}

function hold(config: CacheConfig): Held {
  const memory = MemoryStore.memory(config)
  return { config, memory, store: new MemoryStore(memory, config, MAIN) }
}
