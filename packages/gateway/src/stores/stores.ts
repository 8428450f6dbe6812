import { isDeepStrictEqual } from 'node:util'
import type { StoreConfig } from '@budao/model'
import type { Store } from './store.ts'

/** Makes a store; it connects in the background. */
export type OpenStore = (name: string, config: StoreConfig) => Promise<Store>

interface Held {
  readonly name: string
  readonly config: StoreConfig
  readonly store: Promise<Store>
  users: number
}

/** The stores of one thread, each opened by the first snapshot that takes it and closed when the last gives it back. */
export class Stores {
  readonly #held: Set<Held> = new Set()

  /** What one snapshot takes. A reload that leaves a store as it is finds the same connection. */
  lease(configs: Readonly<Record<string, StoreConfig>>, open: OpenStore): StoreLease {
    const taken = new Map<string, Held>()
    return {
      take: (name) => {
        let held = taken.get(name)
        if (held === undefined) {
          held = this.#take(name, configs[name]!, open)
          taken.set(name, held)
        }
        return held.store
      },
      close: () => {
        for (const held of taken.values()) this.#give(held)
        taken.clear()
      },
    }
  }

  #take(name: string, config: StoreConfig, open: OpenStore): Held {
    for (const held of this.#held) {
      if (held.name !== name || !isDeepStrictEqual(held.config, config)) continue
      held.users++
      return held
    }
    const held = { name, config, store: open(name, config), users: 1 }
    this.#held.add(held)
    return held
  }

  #give(held: Held): void {
    if (--held.users > 0) return
    this.#held.delete(held)
    // One that could not be opened has told so whoever took it.
    held.store.then(
      (store) => store.close(),
      () => {},
    )
  }
}

/** The stores that one snapshot uses. */
export interface StoreLease {
  /** A store by its name in the configuration. Rejects when it cannot work: a file that is missing. */
  take(name: string): Promise<Store>
  /** Gives everything back. */
  close(): void
}
