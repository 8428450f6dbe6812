import { createHash } from 'node:crypto'
import type { CoordinationStore, Versioned } from '@budao/model'
import type { SharedTold, ToldRecord } from '@budao/observability'

/** Groups share this many records of the store, so that it does not grow with them. */
const slots = 256
const triesMax = 5
/** What ended, or was told, longer ago than this is in nobody’s way. */
const keptMs = 86_400_000

type Slot = Readonly<Record<string, ToldRecord>>

/**
 * What was told, in the store that controllers share: whoever leads next does not tell it again. Without the store people are told all
 * the same, at a change of the leader perhaps twice.
 */
export class StoredTold implements SharedTold {
  readonly #store: CoordinationStore
  readonly #warn: (message: string) => void
  readonly #known = new Map<string, Versioned>()
  readonly #watching: { close(): void }
  #writing: Promise<void> = Promise.resolve()
  #failing = false

  constructor(store: CoordinationStore, warn: (message: string) => void) {
    this.#store = store
    this.#warn = warn
    this.#watching = store.watch('alerts/told/', (key, record) => this.#known.set(key, record))
  }

  all(): ReadonlyMap<string, ToldRecord> {
    return new Map([...this.#known.values()].flatMap(({ value }) => Object.entries(value as Slot)))
  }

  publish(groupKey: string, told: ToldRecord): void {
    this.#writing = this.#writing.then(() => this.#write(groupKey, told))
  }

  close(): void {
    this.#watching.close()
  }

  async #write(groupKey: string, told: ToldRecord): Promise<void> {
    const slot = createHash('sha256').update(groupKey).digest().readUInt16BE(0) % slots
    const key = `alerts/told/${slot}`
    try {
      let found = await this.#store.get(key)
      for (let tries = 0; tries < triesMax; tries++) {
        const others = Object.entries((found?.value ?? {}) as Slot).filter(
          ([name, { at, firing }]) => name !== groupKey && (firing.length > 0 || told.at - at < keptMs),
        )
        const value: Slot = { ...Object.fromEntries(others), [groupKey]: told }
        const { ok, current } = await this.#store.compareAndSet(key, found?.version ?? 0, value)
        if (ok) {
          this.#failing = false
          return
        }
        found = current
      }
      throw new Error('others write at the same time')
    } catch (error) {
      if (!this.#failing)
        this.#warn(`alerts: what was told is not shared with other controllers: ${(error as Error).message}`)
      this.#failing = true
    }
  }
}
