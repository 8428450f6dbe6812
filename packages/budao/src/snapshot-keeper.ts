import type { Snapshot } from '@budao/model'
import type { ConfigSource } from './config-source.ts'

/** Keeps the snapshot in force for a restart: one at a time; of those that come while one is written, only the last. */
export class SnapshotKeeper {
  readonly #source: ConfigSource
  readonly #onFailure: (error: unknown) => void
  #next: Snapshot | null = null
  #keeping: Promise<void> = Promise.resolve()

  constructor(source: ConfigSource, onFailure: (error: unknown) => void) {
    this.#source = source
    this.#onFailure = onFailure
  }

  /** Resolves once it, or a later one, is written, or could not be. */
  keep(snapshot: Snapshot): Promise<void> {
    const waiting = this.#next !== null
    this.#next = snapshot
    if (!waiting) this.#keeping = this.#keeping.then(() => this.#keepLast())
    return this.#keeping
  }

  /** Resolves when nothing is left to write. */
  settled(): Promise<void> {
    return this.#keeping
  }

  async #keepLast(): Promise<void> {
    const snapshot = this.#next!
    this.#next = null
    try {
      await this.#source.keep(snapshot)
    } catch (error) {
      this.#onFailure(error)
    }
  }
}
