import type { Cells } from '@budao/resilience'

/** How many attempts of a service were begun beside another one since its start, and how many of them answered first. */
export class HedgeCounts {
  readonly #cells: Cells

  static cellsFor(): number {
    return 2
  }

  constructor(cells: Cells) {
    this.#cells = cells
  }

  begun(): void {
    this.#cells.add(0, 1)
  }

  won(): void {
    this.#cells.add(1, 1)
  }

  get begunTotal(): number {
    return this.#cells.load(0) >>> 0
  }

  get wonTotal(): number {
    return this.#cells.load(1) >>> 0
  }
}
