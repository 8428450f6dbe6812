import type { Cells } from '@budao/resilience'

/**
 * What becomes of writes that are not simply done here. rectified: passed on to the gateway that holds the lease.
 * owner_unknown: nobody could be asked, or whoever was asked does not hold it. misdirected: passed on to here by another
 * gateway, and not held here. unacknowledged: the lease ended while an endpoint worked.
 */
export const writeWords = ['rectified', 'owner_unknown', 'misdirected', 'unacknowledged'] as const

/** One of `writeWords`. */
export type WriteWord = (typeof writeWords)[number]

/** Counts of one service, of all threads. */
export class WriteCounts {
  static cellsFor(): number {
    return writeWords.length
  }

  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  count(word: WriteWord): void {
    this.#cells.add(writeWords.indexOf(word), 1)
  }

  get(word: WriteWord): number {
    return this.#cells.load(writeWords.indexOf(word))
  }
}
