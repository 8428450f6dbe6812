import type { Cells } from './cells.ts'

/** Buckets an octave: neighbours differ by 9 %. */
const perOctave = 8
const lowestMs = 1 / 16
/** From a sixteenth of a millisecond to more than two minutes. */
const buckets = 21 * perOctave

/** How latencies are spread, in buckets of equal ratio, counted by all threads that share the cells. */
export class LatencyHistogram {
  readonly #cells: Cells
  readonly #offset: number

  static cellsFor(): number {
    return buckets
  }

  constructor(cells: Cells, offset = 0) {
    this.#cells = cells
    this.#offset = offset
  }

  add(latencyMs: number): void {
    const bucket = Math.floor(Math.log2(Math.max(latencyMs, lowestMs) / lowestMs) * perOctave)
    this.#cells.add(this.#offset + Math.min(bucket, buckets - 1), 1)
  }

  /** How many there are. */
  get count(): number {
    let total = 0
    for (let i = 0; i < buckets; i++) total += this.#cells.load(this.#offset + i)
    return total
  }

  /** Milliseconds below which `share` (0 to 1) of the latencies lie, interpolated within a bucket; 0 without any. */
  quantileMs(share: number): number {
    let left = share * this.count
    for (let i = 0; i < buckets; i++) {
      const count = this.#cells.load(this.#offset + i)
      if (count > 0 && left <= count) return lowestMs * 2 ** ((i + left / count) / perOctave)
      left -= count
    }
    return 0
  }

  clear(): void {
    for (let i = 0; i < buckets; i++) this.#cells.store(this.#offset + i, 0)
  }
}
