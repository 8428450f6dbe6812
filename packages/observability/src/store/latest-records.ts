import type { LogRecord } from '@budao/model'

/** What a search does with the records that pass. */
export interface RecordCollector {
  /** Nothing that is not later is wanted; -Infinity: everything is. */
  readonly oldest: number
  wants(timestamp: number): boolean
  /** `place` orders records of one time. */
  add(record: LogRecord, place: number): void
  /** After each block. */
  trim(): void
}

interface Found {
  readonly record: LogRecord
  /** Of two with one time the one appended later counts as later. */
  readonly place: number
}

/** The latest records of those that come in any order. */
export class LatestRecords implements RecordCollector {
  readonly #limit: number
  #kept: Found[] = []
  /** Nothing that is not later is wanted; -Infinity until there are enough. */
  oldest: number = -Infinity
  overflowed = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get records(): readonly LogRecord[] {
    this.trim()
    return this.#kept.map(({ record }) => record)
  }

  wants(timestamp: number): boolean {
    if (timestamp >= this.oldest) return true
    this.overflowed = true
    return false
  }

  add(record: LogRecord, place: number): void {
    this.#kept.push({ record, place })
    // Sorted now and then, not kept sorted: most come in order already.
    if (this.#kept.length >= 2 * this.#limit + 100) this.trim()
  }

  trim(): void {
    this.#kept.sort((a, b) => b.record.timestamp - a.record.timestamp || b.place - a.place)
    if (this.#kept.length < this.#limit) return
    if (this.#kept.length > this.#limit) this.overflowed = true
    this.#kept.length = this.#limit
    this.oldest = this.#kept.at(-1)!.record.timestamp
  }
}
