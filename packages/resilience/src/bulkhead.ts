import type { Cells } from './cells.ts'

/** Bounds what is in flight at once, over all threads that share its one cell. Rejects at once: nobody queues. */
export class Bulkhead {
  readonly #cells: Cells
  readonly #max: number

  static cellsFor(): number {
    return 1
  }

  /** `max`: most in flight; 0 admits nothing. Throws a RangeError when it is not a whole number up to 2^30. */
  constructor(cells: Cells, { max }: { readonly max: number }) {
    if (!(Number.isInteger(max) && max >= 0 && max <= 2 ** 30)) {
      throw new RangeError(`max: expected a whole number from 0 to 2^30, got ${max}`)
    }
    this.#cells = cells
    this.#max = max
  }

  get inFlight(): number {
    return this.#cells.load(0)
  }

  /** True when there was room; then `leave` must be called exactly once. `max` may be lower than that of the bulkhead. */
  enter(max: number = this.#max): boolean {
    // Counting first and taking it back could make two callers reject each other over the last place.
    for (;;) {
      const inFlight = this.#cells.load(0)
      if (inFlight >= max) return false
      if (this.#cells.compareExchange(0, inFlight, inFlight + 1)) return true
    }
  }

  leave(): void {
    this.#cells.add(0, -1)
  }
}
