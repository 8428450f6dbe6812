import type { Versioned } from '@budao/model'
import type { TimedStore } from './timed-store.ts'

const attemptsMax = 5

/** One record of the store that people change: read, changed, and stored if nobody else was faster. */
export class StoredDocument<T> {
  readonly #store: TimedStore
  readonly #key: string
  #value: T

  constructor(store: TimedStore, key: string, empty: T) {
    this.#store = store
    this.#key = key
    this.#value = empty
  }

  /** As it was seen last. */
  get value(): T {
    return this.#value
  }

  seen({ value }: Versioned): void {
    this.#value = value as T
  }

  /** Null: done; otherwise why not. */
  async change(to: (value: T) => T): Promise<string | null> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const found = await this.#store.get(this.#key)
      if (found === undefined) return 'the coordination store does not answer'
      const next = to((found?.value as T | undefined) ?? this.#value)
      const stored = await this.#store.compareAndSet(this.#key, found?.version ?? 0, next)
      if (stored === null)
        return 'the coordination store does not say whether it was stored: look, and try again'
      if (!stored.ok) continue
      this.#value = next
      return null
    }
    return 'others change the same: try again'
  }
}
