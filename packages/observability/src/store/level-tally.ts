import { severityName, type LogRecord, type LogsTally, type TallyLevel } from '@budao/model'
import type { RecordCollector } from './latest-records.ts'

/** Counts records by level and time instead of keeping them. */
export class LevelTally implements RecordCollector {
  readonly oldest: number = -Infinity
  readonly #from: number
  readonly #stepMs: number
  readonly #bars: number
  readonly #levels = new Map<TallyLevel, Uint32Array>()
  #total = 0

  /** Times in milliseconds since 1970; `to` is the end of the last bar. */
  constructor(from: number, to: number, bars: number) {
    this.#from = Number.isFinite(from) ? Math.floor(from) : 0
    this.#bars = bars
    // A bar is a whole number of milliseconds: times of a page are.
    this.#stepMs = Math.max(1, Math.ceil((to - this.#from + 1) / bars))
  }

  wants(): boolean {
    return true
  }

  add({ timestamp, severityNumber }: LogRecord): void {
    const level = severityName(severityNumber) ?? 'none'
    let counts = this.#levels.get(level)
    if (counts === undefined) this.#levels.set(level, (counts = new Uint32Array(this.#bars)))
    // A clock that is ahead is still somebody's: its records are in the last bar.
    const bar = Math.floor((timestamp - this.#from) / this.#stepMs)
    counts[Math.min(Math.max(bar, 0), this.#bars - 1)]!++
    this.#total++
  }

  trim(): void {}

  result(): Omit<LogsTally, 'complete' | 'read'> {
    const levels = [...this.#levels].map(([level, counts]) => [level, [...counts]])
    return {
      from: this.#from,
      stepMs: this.#stepMs,
      total: this.#total,
      levels: Object.fromEntries(levels) as LogsTally['levels'],
    }
  }
}
