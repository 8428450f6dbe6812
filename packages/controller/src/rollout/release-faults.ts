import type { CoordinationStore, Versioned } from '@budao/model'
import type { ReleaseFaultKind } from '@budao/resilience'
import { TimedStore } from '../control/timed-store.ts'

/** A release that a drill makes a bad one, as it stands in the store: all gateways do it. Times since 1970. */
interface StoredFault {
  readonly kind: ReleaseFaultKind | null
  readonly until: number
}

/** What a drill asks of whoever gives a rollout’s release its users. */
export interface ReleaseFaultDesk {
  /** At every gateway for so long; null ends it. Resolves to why not, or null. */
  set(rollout: string, kind: ReleaseFaultKind | null, forMs: number): Promise<string | null>
}

export interface ReleaseFaultsOptions {
  readonly store: CoordinationStore
  /** Of this process’s gateway. */
  drill(rollout: string, kind: ReleaseFaultKind | null, forMs: number): void
  /** Milliseconds since 1970. */
  wall(): number
  /** Monotonic milliseconds. */
  now(): number
}

const prefix = 'release-fault/'
/** It ends by itself, and not in a day: a clock that is wrong must not make it last. */
export const releaseFaultMsMax = 600_000
const attemptsMax = 5

/** Bad releases on purpose, at one gateway: what one is told all do, and each ends by itself. */
export class ReleaseFaults implements ReleaseFaultDesk {
  readonly #options: ReleaseFaultsOptions
  readonly #store: TimedStore
  readonly #watch: { close(): void }

  constructor(options: ReleaseFaultsOptions) {
    this.#options = options
    this.#store = new TimedStore(options.store, () => options.now())
    this.#watch = options.store.watch(prefix, (key, record) => this.#obey(key, record))
  }

  close(): void {
    this.#watch.close()
  }

  async set(rollout: string, kind: ReleaseFaultKind | null, forMs: number): Promise<string | null> {
    const key = `${prefix}${rollout}`
    const value: StoredFault = { kind, until: this.#options.wall() + forMs }
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const found = await this.#store.get(key)
      if (found === undefined) return 'the store does not answer'
      const stored = await this.#store.compareAndSet(key, found?.version ?? 0, value)
      if (stored === null) return 'the store does not say whether it was stored: look, and try again'
      if (!stored.ok) continue
      this.#options.drill(rollout, kind, forMs)
      return null
    }
    return 'others change the same: try again'
  }

  #obey(key: string, record: Versioned): void {
    const { kind, until } = record.value as StoredFault
    const leftMs = Math.min(until - this.#options.wall(), releaseFaultMsMax)
    this.#options.drill(key.slice(prefix.length), leftMs > 0 ? kind : null, Math.max(0, leftMs))
  }
}
