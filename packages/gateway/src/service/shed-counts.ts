import { ranks, type Cells } from '@budao/resilience'

/** Why a service turned a request away, in the order of their counters. */
export const shedReasons = ['overloaded', 'queue_timeout', 'retry_budget_spent'] as const

/** One of `shedReasons`. */
export type ShedReason = (typeof shedReasons)[number]

/** How many requests a service turned away since its start, by reason and class, over all threads. */
export class ShedCounts {
  readonly #cells: Cells

  static cellsFor(): number {
    return ranks * shedReasons.length
  }

  constructor(cells: Cells) {
    this.#cells = cells
  }

  /** Counts one, and says how that is called. */
  count(rank: number, reason: ShedReason): ShedReason {
    this.#cells.add(placeOf(rank, reason), 1)
    return reason
  }

  of(rank: number, reason: ShedReason): number {
    return this.#cells.load(placeOf(rank, reason)) >>> 0
  }

  /** Of one class, for whatever reason. */
  sum(rank: number): number {
    return shedReasons.reduce((sum, reason) => sum + this.of(rank, reason), 0)
  }
}

function placeOf(rank: number, reason: ShedReason): number {
  return shedReasons.indexOf(reason) * ranks + rank
}
