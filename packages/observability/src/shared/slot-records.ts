import { createHash } from 'node:crypto'
import type { CoordinationStore, Versioned } from '@budao/model'

export interface SlotRecordsOptions<T> {
  readonly store: CoordinationStore
  /** Ends with a slash. */
  readonly prefix: string
  readonly slots: number
  /** What need not be kept any more is left out when its record is written next. */
  isOver(value: T): boolean
  /** Somebody else put it there, changed it or, with undefined, took it away. */
  changed(name: string, value: T | undefined): void
  /** It cannot be stored; it is tried again. */
  failed(error: Error): void
}

type Slot<T> = Readonly<Record<string, T>>

const triesMax = 8
const againMs = 2_000
/** So much waits for a store that is away. */
const waitingMax = 10_000

/**
 * Named values in a store that controllers share, in a fixed number of its records, so that the store does not grow with their names: it
 * cannot forget a record. What cannot be stored waits for the store to come back.
 */
export class SlotRecords<T> {
  readonly #options: SlotRecordsOptions<T>
  readonly #slots = new Map<string, { readonly version: number; readonly values: Slot<T> }>()
  readonly #waiting = new Map<string, T | null>()
  readonly #watching: { close(): void }
  #writing = false
  #closed = false
  #again: NodeJS.Timeout | undefined

  constructor(options: SlotRecordsOptions<T>) {
    this.#options = options
    this.#watching = options.store.watch(options.prefix, (key, record) => this.#seen(key, record))
  }

  /** Everything that is known, with what waits to be stored. */
  all(): Map<string, T> {
    const all = new Map<string, T>()
    for (const { values } of this.#slots.values())
      for (const [name, value] of Object.entries(values)) all.set(name, value)
    for (const [name, value] of this.#waiting)
      if (value === null) all.delete(name)
      else all.set(name, value)
    return all
  }

  /** Null takes it away. */
  put(name: string, value: T | null): void {
    if (this.#waiting.size >= waitingMax) this.#waiting.delete(this.#waiting.keys().next().value!)
    // At the end, since it is the newest.
    this.#waiting.delete(name)
    this.#waiting.set(name, value)
    void this.#write()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#again)
    this.#watching.close()
  }

  #seen(key: string, { version, value }: Versioned): void {
    const before = this.#slots.get(key)
    if (this.#closed || (before !== undefined && version <= before.version)) return
    const values = value as Slot<T>
    this.#slots.set(key, { version, values })
    const { changed } = this.#options
    for (const [name, now] of Object.entries(values)) {
      if (this.#waiting.has(name)) continue
      if (JSON.stringify(before?.values[name]) !== JSON.stringify(now)) changed(name, now)
    }
    for (const name of Object.keys(before?.values ?? {}))
      if (!(name in values) && !this.#waiting.has(name)) changed(name, undefined)
  }

  /** Everything that waits, one record after the other. */
  async #write(): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    clearTimeout(this.#again)
    try {
      // What is put in this turn of the event loop is stored together.
      await Promise.resolve()
      while (this.#waiting.size > 0 && !this.#closed) {
        const key = this.#keyOf(this.#waiting.keys().next().value!)
        await this.#writeSlot(
          key,
          [...this.#waiting].filter(([name]) => this.#keyOf(name) === key),
        )
      }
    } catch (error) {
      if (this.#closed) return
      this.#options.failed(error as Error)
      this.#again = setTimeout(() => void this.#write(), againMs).unref()
    } finally {
      this.#writing = false
    }
  }

  async #writeSlot(key: string, changes: readonly (readonly [string, T | null])[]): Promise<void> {
    const { store, isOver } = this.#options
    let found = await store.get(key)
    for (let tries = 0; tries < triesMax; tries++) {
      const values = Object.fromEntries(
        Object.entries((found?.value ?? {}) as Slot<T>).filter(([, value]) => !isOver(value)),
      )
      for (const [name, value] of changes)
        if (value === null) delete values[name]
        else values[name] = value
      const { ok, current } = await store.compareAndSet(key, found?.version ?? 0, values)
      found = current
      if (!ok) continue
      if (current !== null) this.#seen(key, current)
      // A newer word may have come meanwhile.
      for (const [name, value] of changes) if (this.#waiting.get(name) === value) this.#waiting.delete(name)
      return
    }
    throw new Error('others write at the same time')
  }

  #keyOf(name: string): string {
    const slot = createHash('sha256').update(name).digest().readUInt16BE(0) % this.#options.slots
    return `${this.#options.prefix}${slot}`
  }
}
