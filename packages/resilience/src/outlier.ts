import type { Cells } from './cells.ts'

/** When an endpoint is ejected, and for how long. */
export interface OutlierOptions {
  /** Failures in a row until ejection, 1 to 255; 0 turns ejection off. Default 3. */
  readonly maxFails?: number
  /** Longest gap between two failures of one row, and how long an ejection lasts, milliseconds; below 2^30. Default 30 000. */
  readonly failTimeoutMs?: number
}

/**
 * Passive ejection of one endpoint, shared by all threads that send to it (nginx's max_fails and
 * fail_timeout, made strict):
 *
 * - A failure lengthens the row if the one before is at most `failTimeoutMs` ago, else it begins a new one. A
 *   success ends the row: requests that succeed in between speak for the endpoint.
 * - The row's `maxFails`th failure ejects for `failTimeoutMs`. Later failures of requests that were already
 *   under way change nothing, nor do their successes.
 * - After its return the endpoint is on probation for another `failTimeoutMs`: one failure ejects again, one
 *   success clears it.
 *
 * `now` is a monotonic clock of the process, the same in all threads up to a minute. Times are kept modulo
 * 2^32 ms; a remainder longer than an ejection can be is read as none, so nothing wraps into a long ejection.
 */
export class Outlier {
  static cellsFor(): number {
    return 2
  }

  readonly #cells: Cells
  readonly #row: number
  readonly #until: number
  readonly #maxFails: number
  readonly #failTimeoutMs: number
  readonly #tickMs: number

  constructor(cells: Cells, options: OutlierOptions = {}, offset = 0) {
    const { maxFails = 3, failTimeoutMs = 30_000 } = options
    this.#cells = cells
    this.#row = offset
    this.#until = offset + 1
    this.#maxFails = Math.min(maxFails, 255)
    this.#failTimeoutMs = Math.ceil(failTimeoutMs)
    this.#tickMs = Math.max(1, Math.ceil(failTimeoutMs / 65_536))
  }

  /**
   * Takes one result. `ejected` is answered to exactly one caller per ejection, in whichever thread; that caller
   * reports it. With `mayEject` false a failure lengthens the row but does not eject: the next one may.
   */
  record(ok: boolean, now: number, mayEject = true): 'ejected' | 'none' {
    return ok ? this.#succeed(now) : this.#fail(now, mayEject)
  }

  isEjected(now: number): boolean {
    return this.#remaining(this.#cells.load(this.#until), now) > 0
  }

  /** Monotonic milliseconds at which the ejection ends, 0 when there is none. */
  ejectedUntil(now: number): number {
    const remaining = this.#remaining(this.#cells.load(this.#until), now)
    return remaining > 0 ? Math.floor(now) + remaining : 0
  }

  /** Ends an ejection and forgets the failures. */
  clear(): void {
    this.#cells.store(this.#row, 0)
    this.#cells.store(this.#until, 0)
  }

  #succeed(now: number): 'none' {
    // The hot path: healthy endpoints stop at this one load.
    if (this.#cells.load(this.#row) !== 0 && !this.isEjected(now)) this.#cells.store(this.#row, 0)
    return 'none'
  }

  #fail(now: number, mayEject: boolean): 'ejected' | 'none' {
    if (this.#maxFails === 0) return 'none'
    const until = this.#cells.load(this.#until)
    if (this.#remaining(until, now) > 0) return 'none'

    const tick = this.#tick(now)
    for (;;) {
      const row = this.#cells.load(this.#row)
      const fails = this.#continues(row, tick) ? (row >>> 24) + 1 : 1
      const ejects = fails >= this.#maxFails
      if (ejects && mayEject) break
      // One short of the limit while it must not eject, so that the count cannot overflow.
      const kept = ejects ? this.#maxFails - 1 : fails
      if (this.#cells.compareExchange(this.#row, row, pack(kept, tick))) return 'none'
    }
    // Ejecting is one exchange of the end time: of all threads that got here, the first one does it.
    if (!this.#cells.compareExchange(this.#until, until, endOf(now, this.#failTimeoutMs))) return 'none'
    this.#cells.store(this.#row, pack(this.#maxFails - 1, this.#tick(now + this.#failTimeoutMs)))
    return 'ejected'
  }

  #continues(row: number, tick: number): boolean {
    if (row >>> 24 === 0) return false
    // Backwards by a little: another thread's clock ahead of ours, or probation that begins only later.
    const gap = ((tick - row) << 8) >> 8
    return Math.abs(gap) * this.#tickMs <= this.#failTimeoutMs
  }

  #tick(now: number): number {
    return Math.floor(now / this.#tickMs) & 0xffffff
  }

  #remaining(until: number, now: number): number {
    if (until === 0) return 0
    const remaining = (until - Math.floor(now)) | 0
    return remaining > this.#failTimeoutMs + clockSlackMs ? 0 : Math.max(0, remaining)
  }
}

/** How far apart two threads may be in reading the clock. */
const clockSlackMs = 60_000

/** Failures in the upper 8 bits, time of the last one in the lower 24: one cell, since both change together. */
function pack(fails: number, tick: number): number {
  return fails === 0 ? 0 : (fails << 24) | tick
}

function endOf(now: number, failTimeoutMs: number): number {
  const end = (Math.floor(now) + failTimeoutMs) | 0
  return end === 0 ? 1 : end // 0 means that nothing was ejected.
}
