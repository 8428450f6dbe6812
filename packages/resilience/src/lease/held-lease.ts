import type { Cells } from '../cells.ts'
import { clockCell } from '../clock-cell.ts'

/**
 * accept: this process holds that epoch, and the lease has not ended.
 * stale-epoch: the sender knows an older one; its placement is to be renewed.
 * unknown-epoch: the sender knows a newer one than is held here.
 * not-held: nothing was ever claimed here, or it was given up. ended: it was not renewed in time.
 */
export type WriteVerdict = 'accept' | 'stale-epoch' | 'unknown-epoch' | 'not-held' | 'ended'

const epochCell = 0
const untilCell = 1
const stoppedCell = 2

/**
 * The right to accept writes, as its holder knows it: asked for every write, twice: before it is applied, and again
 * before it is acknowledged, because the process may have been stopped in between. No timer takes part, so none can be
 * late. One thread tells it of renewals, all may ask. Zeroed cells hold nothing.
 */
export class HeldLease {
  static cellsFor(): number {
    return 3
  }

  readonly #cells: Cells
  readonly #offset: number

  constructor(cells: Cells, offset = 0) {
    this.#cells = cells
    this.#offset = offset
  }

  /** The epoch held last, 0 before the first. */
  get epoch(): number {
    return this.#cells.load(this.#offset + epochCell)
  }

  /**
   * The store has taken a renewal that was sent at `sentAt`: from then on the lease holds `ttlMs`, of which the holder
   * uses all but the guard. An epoch that was given up, and one below the last, stay ended.
   */
  renewed(epoch: number, sentAt: number, { ttlMs, guardMs }: LeaseTerms): void {
    const [cells, offset] = [this.#cells, this.#offset]
    const held = this.epoch
    if (epoch < held || epoch <= cells.load(offset + stoppedCell)) return
    const until = clockCell(sentAt + ttlMs - guardMs)
    if (epoch > held) {
      // Whoever asks meanwhile with either epoch finds no time left, or an epoch that changed under the question.
      cells.store(offset + untilCell, 0)
      cells.store(offset + epochCell, epoch)
    } else {
      const before = cells.load(offset + untilCell)
      if (before !== 0 && ((until - before) | 0) <= 0) return
    }
    cells.store(offset + untilCell, until)
  }

  /** Gives this epoch and all below it up, for good: what a fence order means. */
  stop(epoch: number): void {
    const [cells, offset] = [this.#cells, this.#offset]
    if (epoch > cells.load(offset + stoppedCell)) cells.store(offset + stoppedCell, epoch)
    if (epoch >= this.epoch) cells.store(offset + untilCell, 0)
  }

  /** May a write of that epoch be applied, or be acknowledged, at `now`? */
  mayWrite(epoch: number, now: number): WriteVerdict {
    const [cells, offset] = [this.#cells, this.#offset]
    const held = cells.load(offset + epochCell)
    if (held === 0) return 'not-held'
    if (epoch < held) return 'stale-epoch'
    if (epoch > held) return 'unknown-epoch'
    const until = cells.load(offset + untilCell)
    if (until === 0) return 'not-held'
    if (((until - Math.floor(now)) | 0) <= 0) return 'ended'
    return cells.load(offset + epochCell) === held ? 'accept' : 'stale-epoch'
  }

  /** What is left of the lease at `now`: what may be lent to another process here that asked before `now`. */
  remainingMs(now: number): number {
    const until = this.#cells.load(this.#offset + untilCell)
    return until === 0 ? 0 : Math.max(0, (until - Math.ceil(now)) | 0)
  }
}

/** How long a renewal holds, and how much of it the holder leaves unused, milliseconds. */
export interface LeaseTerms {
  readonly ttlMs: number
  readonly guardMs: number
}
