import type { Cells } from './cells.ts'

/**
 * Counts the results of the recent past over cells that threads share. `sum` leaves its answer in the three
 * fields, so that asking allocates nothing; they belong to the asking thread.
 *
 * A window belongs to a generation (a number of 9 bits): results of another generation are not in it, which
 * clears it without a loop that others could run into.
 */
export interface RollingWindow {
  calls: number
  failures: number
  slow: number
  record(generation: number, failure: boolean, slow: boolean, now: number): void
  sum(generation: number, now: number): void
  /** True when it is certain at little cost that the window holds no failure and nothing slow. */
  isQuiet(generation: number): boolean
}

const calls = 0
const failures = 1
const slow = 2
const firstBucket = 3
const bucketCells = 4

/**
 * The results of the last `ms` milliseconds, forgotten a bucket at a time; one bucket makes it tumble.
 *
 * Results are only ever added to three running totals. A bucket holds the totals from before its first result,
 * so the window's sum is a difference, found at the oldest bucket still inside. No bucket is ever zeroed: a
 * thread that dies while it opens one costs that bucket its mark, nobody waits, and a gap of any length forgets
 * all, since an old bucket's stamp is not inside the window.
 */
export class TimeWindow implements RollingWindow {
  calls = 0
  failures = 0
  slow = 0
  readonly #cells: Cells
  readonly #offset: number
  readonly #buckets: number
  readonly #bucketMs: number
  /** Totals at which this thread last found the window without failures, and in which generation. */
  #quietFailures = 0
  #quietSlow = 0
  #quietIn = -1

  static cellsFor(buckets: number): number {
    return firstBucket + buckets * bucketCells
  }

  constructor(cells: Cells, offset: number, ms: number, buckets: number) {
    this.#cells = cells
    this.#offset = offset
    this.#buckets = buckets
    this.#bucketMs = ms / buckets
  }

  record(generation: number, failure: boolean, isSlow: boolean, now: number): void {
    const cells = this.#cells
    const totals = this.#offset
    this.#open(generation, Math.floor(now / this.#bucketMs))
    // Calls first, and read last: no thread ever sees more failures than calls.
    cells.add(totals + calls, 1)
    if (failure) cells.add(totals + failures, 1)
    if (isSlow) cells.add(totals + slow, 1)
  }

  sum(generation: number, now: number): void {
    const cells = this.#cells
    const totals = this.#offset
    const current = Math.floor(now / this.#bucketMs)
    for (let bucket = Math.max(0, current - this.#buckets + 1); bucket <= current; bucket++) {
      const at = this.#bucketAt(bucket)
      if (cells.load(at) !== (stampOf(generation, bucket) | ready)) continue
      const slowTotal = cells.load(totals + slow)
      const failureTotal = cells.load(totals + failures)
      this.slow = (slowTotal - cells.load(at + 1 + slow)) | 0
      this.failures = (failureTotal - cells.load(at + 1 + failures)) | 0
      this.calls = (cells.load(totals + calls) - cells.load(at + 1 + calls)) | 0
      if (this.failures !== 0 || this.slow !== 0) return
      this.#quietFailures = failureTotal
      this.#quietSlow = slowTotal
      this.#quietIn = generation
      return
    }
    this.calls = 0
    this.failures = 0
    this.slow = 0
  }

  /** While the totals stay where they were, a window without failures has none: time only takes away from it. */
  isQuiet(generation: number): boolean {
    return (
      this.#quietIn === generation &&
      this.#cells.load(this.#offset + failures) === this.#quietFailures &&
      this.#cells.load(this.#offset + slow) === this.#quietSlow
    )
  }

  #bucketAt(bucket: number): number {
    return this.#offset + firstBucket + (bucket % this.#buckets) * bucketCells
  }

  /** Makes sure that the bucket has its mark, unless a newer one took the place. */
  #open(generation: number, bucket: number): void {
    const cells = this.#cells
    const at = this.#bucketAt(bucket)
    const wanted = stampOf(generation, bucket)
    const found = cells.load(at)
    if ((found & ~ready) === wanted) return
    // A thread that slept since it read the clock must not put an old bucket in the place of the next lap's.
    if (found === (stampOf(generation, bucket + this.#buckets) | ready)) return
    // The totals are read before the claim: what others add in between counts, instead of being lost.
    const callsBefore = cells.load(this.#offset + calls)
    const failuresBefore = cells.load(this.#offset + failures)
    const slowBefore = cells.load(this.#offset + slow)
    if (!cells.compareExchange(at, found, wanted)) return
    cells.store(at + 1 + calls, callsBefore)
    cells.store(at + 1 + failures, failuresBefore)
    cells.store(at + 1 + slow, slowBefore)
    cells.compareExchange(at, wanted, wanted | ready)
  }
}

const ready = 1

/**
 * Generation (9 bits), bucket number (22 bits: half-second buckets repeat after 24 days), and room for `ready`.
 * Numbers count from 1, since fresh memory holds zeros.
 */
function stampOf(generation: number, bucket: number): number {
  return (generation << 23) | (((bucket + 1) % 0x40_0000) << 1)
}

const failed = 1
const wasSlow = 2
const present = 4

/** The last `size` results, however long ago. A sum reads the whole ring: meant for sizes up to some hundreds. */
export class CountWindow implements RollingWindow {
  calls = 0
  failures = 0
  slow = 0
  readonly #cells: Cells
  readonly #offset: number
  readonly #size: number

  static cellsFor(size: number): number {
    return 1 + size
  }

  constructor(cells: Cells, offset: number, size: number) {
    this.#cells = cells
    this.#offset = offset
    this.#size = size
  }

  record(generation: number, failure: boolean, isSlow: boolean): void {
    const place = (this.#cells.add(this.#offset, 1) >>> 0) % this.#size
    const result = present | (failure ? failed : 0) | (isSlow ? wasSlow : 0)
    this.#cells.store(this.#offset + 1 + place, (generation << 3) | result)
  }

  sum(generation: number): void {
    let found = 0
    let failing = 0
    let slowOnes = 0
    for (let i = 1; i <= this.#size; i++) {
      const result = this.#cells.load(this.#offset + i)
      if ((result & present) === 0 || result >> 3 !== generation) continue
      found++
      if ((result & failed) !== 0) failing++
      if ((result & wasSlow) !== 0) slowOnes++
    }
    this.calls = found
    this.failures = failing
    this.slow = slowOnes
  }

  isQuiet(): boolean {
    return false
  }
}
