import type { Cells } from './cells.ts'
import { clockCell } from './clock-cell.ts'
import type { Random } from './clock.ts'
import { LatencyHistogram } from './latency-histogram.ts'

/** Between what the limit moves, and how closely it follows the latency. */
export interface AdaptiveLimitOptions {
  /** Never below this. Default 4. */
  readonly min?: number | undefined
  /** Never above this. Default 1000. */
  readonly max?: number | undefined
  /** Where it starts. Default 100, or the nearest of `min` and `max`. */
  readonly initial?: number | undefined
  /** So much above the latency without a queue is not yet a queue, percent. Default 25. */
  readonly bufferPercent?: number | undefined
  /** The latency without a queue is measured at least this often. Default 30 000 ms. */
  readonly measureMs?: number | undefined
}

/**
 * How many requests a service can take at once before they queue in it, found by its latency: a gradient controller.
 * In windows, the median latency is compared with the base, the latency without a queue. Above base + buffer the
 * limit shrinks in proportion (by half at most), else it grows by its square root, but only while it is used.
 *
 * The base is learnt without holding traffic back: from windows in which less than half of the limit was used, and from
 * every window that was faster. A service that has itself become slower shows by this: the limit has been halved and
 * latency did not follow; then that is the new base. Only where the limit was used without a pause for `measureMs`
 * is half of it taken away for two windows, to measure.
 *
 * After the gradient controllers of Envoy (buffer 25 %, growth √limit, windows of 100 ms) and of Netflix's
 * concurrency-limits; the measurement differs, theirs admits three requests at a time, or drifts. All threads share one limit.
 */
export class AdaptiveLimit {
  readonly #cells: Cells
  readonly #random: Random
  readonly #min: number
  readonly #max: number
  readonly #initial: number
  readonly #tolerance: number
  readonly #measureMs: number
  readonly #histogram: LatencyHistogram

  static cellsFor(): number {
    return fields + LatencyHistogram.cellsFor()
  }

  /** Throws a RangeError for options out of range. All threads must give the same. */
  constructor(cells: Cells, random: Random, options: AdaptiveLimitOptions = {}) {
    const { min = 4, max = 1_000, bufferPercent = 25, measureMs = 30_000 } = options
    if (!(min >= 1 && min <= max)) throw new RangeError(`min: expected 1 to max (${max}), got ${min}`)
    if (!(max <= 1_000_000)) throw new RangeError(`max: expected up to 1000000, got ${max}`)
    if (!(bufferPercent >= 0)) throw new RangeError(`bufferPercent: expected 0 or more, got ${bufferPercent}`)
    this.#cells = cells
    this.#random = random
    this.#min = min
    this.#max = max
    this.#initial = Math.max(min, Math.min(max, options.initial ?? 100))
    this.#tolerance = 1 + bufferPercent / 100
    this.#measureMs = measureMs
    this.#histogram = new LatencyHistogram(cells, fields)
  }

  /** Most requests in flight at this moment. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Latency without a queue, milliseconds; 0 before the first window. */
  get baseMs(): number {
    return this.#cells.load(baseUs) / 1_000
  }

  /** Median latency of the last window, milliseconds; 0 before the first. */
  get latencyMs(): number {
    return this.#cells.load(lastUs) / 1_000
  }

  /** A request found no place. */
  denied(): void {
    if (this.#cells.load(used) === 0) this.#cells.store(used, 1)
  }

  /** An answer came, or a request ran out of time, after `latencyMs`, while `inFlight` were under way, this one included. */
  observe(latencyMs: number, inFlight: number, now: number): void {
    const cells = this.#cells
    this.#histogram.add(latencyMs)
    const count = cells.add(samples, 1) + 1
    if (inFlight * 2 > this.limit) this.denied()
    const at = clockCell(now)
    const startedAt = cells.load(windowAt)
    if (startedAt === 0) {
      cells.compareExchange(windowAt, 0, at)
      return
    }
    if (count < samplesMin || ((at - startedAt) | 0) < this.#windowMs) return
    // Of several threads that see the end of a window, one ends it, and none the next before that has been done. One that
    // died over it is waited for no longer than the longest window.
    const since = cells.load(endingAt)
    if (since !== 0 && ((at - since) | 0) < windowMsMax) return
    if (!cells.compareExchange(endingAt, since, at)) return
    if (cells.compareExchange(windowAt, startedAt, at)) this.#endWindow(at)
    cells.store(endingAt, 0)
  }

  get #limit(): number {
    const stored = this.#cells.load(limitMilli)
    return stored === 0 ? this.#initial : stored / 1_000
  }

  /** Twice the latency: half of a window's answers then belong to requests that began under its own limit. */
  get #windowMs(): number {
    return Math.min(windowMsMax, Math.max(windowMsMin, this.latencyMs * 2))
  }

  #endWindow(at: number): void {
    const cells = this.#cells
    const median = this.#histogram.quantileMs(0.5)
    const wasUsed = cells.load(used) === 1
    this.#histogram.clear()
    cells.store(samples, 0)
    cells.store(used, 0)
    cells.store(lastUs, toMicros(median))
    const measuring = cells.load(measureState)
    if (measuring === settling) {
      // What ended in this window had begun under the whole limit.
      cells.store(measureState, measured)
    } else if (measuring === measured) this.#measure(median, at)
    else this.#adapt(median, wasUsed, at)
  }

  #adapt(median: number, wasUsed: boolean, at: number): void {
    const cells = this.#cells
    // A gateway that starts into an overload sees a queue in its first window already: look again soon.
    if (cells.load(baseUs) === 0) this.#setBase(median, at, wasUsed ? firstMeasureMs : this.#measureMs)
    else if (!wasUsed) this.#setBase(mix(this.baseMs, median, baseWeight), at)
    // Faster than ever, but for noise: no measurement that would put off the next one.
    else if (median < this.baseMs) cells.store(baseUs, toMicros(mix(this.baseMs, median, baseWeight)))

    const limit = this.#limit
    const gradient = Math.max(gradientMin, Math.min(1, (this.baseMs * this.#tolerance) / median))
    if (gradient === 1) {
      cells.store(episodeMilli, 0)
      if (wasUsed) this.#setLimit(limit + Math.sqrt(limit))
    } else {
      if (this.#isSlower(limit, median)) return this.#beginMeasurement(median)
      this.#setLimit(limit * gradient + Math.sqrt(limit * gradient))
    }
    const dueAt = cells.load(measureAt)
    if (dueAt !== 0 && ((at - dueAt) | 0) >= 0) this.#beginMeasurement(median)
  }

  /** Whether the limit has been halved and latency is where it was: the service is slower, not fuller. */
  #isSlower(limit: number, median: number): boolean {
    const cells = this.#cells
    const from = cells.load(episodeMilli) / 1_000
    if (from === 0) {
      cells.store(episodeMilli, Math.round(limit * 1_000))
      cells.store(episodeUs, toMicros(median))
      return false
    }
    if (limit > from / 2) return false
    const before = cells.load(episodeUs) / 1_000
    cells.store(episodeMilli, 0)
    return median > before * helpedShare
  }

  #beginMeasurement(median: number): void {
    const limit = this.#limit
    this.#cells.store(savedMilli, Math.round(limit * 1_000))
    this.#halve(limit, median)
  }

  #halve(limit: number, median: number): void {
    this.#cells.store(episodeUs, toMicros(median))
    this.#setLimit(limit / 2)
    this.#cells.store(measureState, settling)
  }

  /** As long as half of the limit makes it faster there was a queue, and may still be. */
  #measure(median: number, at: number): void {
    const cells = this.#cells
    const limit = this.#limit
    const helped = median <= (cells.load(episodeUs) / 1_000) * helpedShare
    if (helped && limit > this.#min) return this.#halve(limit, median)
    this.#setBase(median, at)
    this.#setLimit(cells.load(savedMilli) / 1_000)
    cells.store(episodeMilli, 0)
    cells.store(measureState, none)
  }

  /** Learns the base from a window without a queue of ours; the next measurement is due in about `waitMs`. */
  #setBase(ms: number, at: number, waitMs: number = this.#measureMs): void {
    this.#cells.store(baseUs, toMicros(ms))
    // Spread, so that gateways before one service do not all measure at once.
    this.#cells.store(measureAt, clockCell(at + waitMs * (0.85 + 0.3 * this.#random.next())))
  }

  #setLimit(limit: number): void {
    const bounded = Math.max(this.#min, Math.min(this.#max, limit))
    this.#cells.store(limitMilli, Math.round(bounded * 1_000))
  }
}

const limitMilli = 0
const baseUs = 1
const lastUs = 2
const samples = 3
/** 1 once more than half of the limit was in use, or somebody was turned away. */
const used = 4
const windowAt = 5
const measureAt = 6
const measureState = 7
/** The limit to go back to behind a measurement. */
const savedMilli = 8
/** Limit and latency at the first of several windows in which the limit shrank. */
const episodeMilli = 9
const episodeUs = 10
/** When a thread began to end a window; 0 while none does. */
const endingAt = 11
const fields = 12

const none = 0
const settling = 1
const measured = 2

const windowMsMin = 100
const firstMeasureMs = 1_000
const windowMsMax = 10_000
/** A median of fewer says too little. */
const samplesMin = 10
const gradientMin = 0.5
const baseWeight = 0.3
/** Half of the limit must bring latency at least below this share of what it was. */
const helpedShare = 0.8

function mix(old: number, fresh: number, weight: number): number {
  return old + (fresh - old) * weight
}

function toMicros(ms: number): number {
  return Math.max(1, Math.min(0x7fffffff, Math.round(ms * 1_000)))
}
