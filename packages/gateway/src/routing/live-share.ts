import { clockCell, type Cells } from '@budao/resilience'

/**
 * The share that a rollout gives its release at this moment, for all threads at once. It holds until a time: whoever rolls
 * out renews it, and when nobody does, the release gets nothing any more.
 */
export class LiveShare {
  static cellsFor(): number {
    return 2
  }

  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  /** From now on, in basis points. `until`: monotonic milliseconds; Infinity for what needs no renewal. */
  set(basisPoints: number, until: number): void {
    // Lowered before its time is told, raised after: no reader sees a high share with the time of another.
    if (basisPoints < this.#cells.load(share)) this.#cells.store(share, basisPoints)
    this.#cells.store(end, until === Infinity ? forever : clockCell(until))
    this.#cells.store(share, basisPoints)
  }

  at(now: number): number {
    const basisPoints = this.#cells.load(share)
    if (basisPoints === 0) return 0
    const until = this.#cells.load(end)
    return until === forever || ((until - clockCell(now)) | 0) > 0 ? basisPoints : 0
  }
}

const share = 0
const end = 1
/** No time: a clock's cell is never this. */
const forever = 0
