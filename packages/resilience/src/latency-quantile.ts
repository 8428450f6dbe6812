import type { Cells } from './cells.ts'
import { clockCell } from './clock-cell.ts'
import { LatencyHistogram } from './latency-histogram.ts'

/** What is known of a service's latency by its last window. */
export interface LatencyQuantileOptions {
  /** Share of latencies below the value, 0 to 1. */
  readonly share: number
  /** A window ends with so many latencies. Default 1000. */
  readonly samplesMax?: number | undefined
  /** It also ends after this time, if it has a tenth of them. Default 10 000 ms. */
  readonly windowMs?: number | undefined
}

/**
 * One quantile of recent latencies, such as the 95th percentile, over windows: the value of the last one counts until
 * the next is complete. Before the first there is none, so nobody acts on a handful of samples.
 */
export class LatencyQuantile {
  readonly #cells: Cells
  readonly #histogram: LatencyHistogram
  readonly #share: number
  readonly #samplesMax: number
  readonly #windowMs: number

  static cellsFor(): number {
    return 3 + LatencyHistogram.cellsFor()
  }

  constructor(cells: Cells, { share, samplesMax = 1_000, windowMs = 10_000 }: LatencyQuantileOptions) {
    if (!(share > 0 && share < 1)) throw new RangeError(`share: expected above 0 and below 1, got ${share}`)
    this.#cells = cells
    this.#histogram = new LatencyHistogram(cells, 3)
    this.#share = share
    this.#samplesMax = samplesMax
    this.#windowMs = windowMs
  }

  /** Milliseconds; Infinity before the first window is complete. */
  get valueMs(): number {
    const value = this.#cells.load(valueUs)
    return value === 0 ? Infinity : value / 1_000
  }

  observe(latencyMs: number, now: number): void {
    const cells = this.#cells
    this.#histogram.add(latencyMs)
    const count = cells.add(samples, 1) + 1
    const startedAt = cells.load(windowAt)
    const at = clockCell(now)
    if (startedAt === 0) cells.compareExchange(windowAt, 0, at)
    const full =
      count >= this.#samplesMax ||
      (startedAt !== 0 && ((at - startedAt) | 0) >= this.#windowMs && count >= this.#samplesMax / 10)
    // Of several threads that see the end, one ends it.
    if (!full || !cells.compareExchange(samples, count, 0)) return
    cells.store(windowAt, at)
    cells.store(valueUs, Math.max(1, Math.round(this.#histogram.quantileMs(this.#share) * 1_000)))
    this.#histogram.clear()
  }
}

const valueUs = 0
const samples = 1
const windowAt = 2
