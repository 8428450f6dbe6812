import type { Cells } from './cells.ts'

/** How many retries requests earn. */
export interface RetryBudgetOptions {
  /** Retries allowed per hundred requests, 0 to 100. Default 20. */
  readonly percent?: number | undefined
  /** Retries always allowed in each second, however few the requests, 0 to 255. Default 3. */
  readonly minPerSecond?: number | undefined
  /** Most retries that can be saved up, 1 to 10 000 000. Default 1000. */
  readonly capacity?: number | undefined
}

/**
 * Keeps retries a small share of requests, so that a failing upstream is not asked twice as much: a token
 * bucket filled by requests rather than by time, with a floor for quiet hours. Several threads share it through
 * its cells; zeroed cells are an empty bucket, which has only the floor.
 */
export class RetryBudget {
  readonly #cells: Cells
  readonly #deposit: number
  readonly #minPerSecond: number
  readonly #capacity: number

  static cellsFor(_options?: RetryBudgetOptions): number {
    return 2
  }

  /** Throws a RangeError for options out of range. */
  constructor(cells: Cells, options: RetryBudgetOptions = {}) {
    const { percent = 20, minPerSecond = 3, capacity = 1_000 } = options
    if (!(percent >= 0 && percent <= 100)) throw new RangeError(`percent: expected 0 to 100, got ${percent}`)
    if (!(minPerSecond >= 0 && minPerSecond <= 255)) {
      throw new RangeError(`minPerSecond: expected 0 to 255, got ${minPerSecond}`)
    }
    if (!(capacity >= 1 && capacity <= 10_000_000)) {
      throw new RangeError(`capacity: expected 1 to 10000000, got ${capacity}`)
    }
    this.#cells = cells
    this.#deposit = Math.round(percent)
    this.#minPerSecond = Math.floor(minPerSecond)
    this.#capacity = Math.floor(capacity) * token
  }

  /** Call once per request (not per attempt). */
  deposit(): void {
    // Threads that look at the same moment may each add theirs: the limit is passed by less than a token a thread.
    if (this.#cells.load(balance) < this.#capacity) this.#cells.add(balance, this.#deposit)
  }

  /** May one retry be made? Takes its token when it may: from the savings, else from this second's floor. */
  withdraw(now: number): boolean {
    const cells = this.#cells
    for (;;) {
      const saved = cells.load(balance)
      if (saved < token) break
      if (cells.compareExchange(balance, saved, saved - token)) return true
    }
    const second = secondOf(now)
    for (;;) {
      const found = cells.load(floor)
      const used = found >>> 8 === second ? found & 255 : 0
      if (used >= this.#minPerSecond) return false
      if (cells.compareExchange(floor, found, (second << 8) | (used + 1))) return true
    }
  }

  /** Retries possible at this moment; may have a fraction. */
  tokens(now: number): number {
    const found = this.#cells.load(floor)
    const used = found >>> 8 === secondOf(now) ? found & 255 : 0
    return this.#cells.load(balance) / token + Math.max(0, this.#minPerSecond - used)
  }
}

const balance = 0
/** Which second (24 bits) and how many of its floor are used (8 bits). */
const floor = 1
/** A token's worth in the balance: deposits are whole hundredths. */
const token = 100

/** Counted from 1: fresh memory is no second's. */
function secondOf(now: number): number {
  return (Math.floor(now / 1_000) + 1) % 2 ** 24
}
