import { HeldLease, type Cells } from '@budao/resilience'

const placeCell = 0
const readersCell = 1
const closedCell = 2
const leaseCell = 3
const writingCell = leaseCell + HeldLease.cellsFor()

/** Rows of sites that a placement can name: as many as fit beside an epoch of 24 bits. */
export const siteRowsMax = 127
/** Sites beyond this are read from whether a placement names them or not. */
const readerRowsMax = 31

/** Everything is read from: what cells say before anybody was placed. */
const allReaders = 0

/**
 * What the threads of a gateway know together of one unit: where its writes go, who reads, the lease held here, and which
 * writes are under way. Sites are rows that keep their number for the life of the process. Zeroed cells know nothing.
 */
export class UnitMemory {
  static cellsFor(workers: number): number {
    return writingCell + workers
  }

  /** The right to write here. */
  readonly lease: HeldLease
  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
    this.lease = new HeldLease(cells, leaseCell)
  }

  /** The newest epoch known, 0 before the first. */
  get epoch(): number {
    return Math.floor(this.#cells.load(placeCell) / (siteRowsMax + 1))
  }

  /** The row of the site that has it, -1 where nobody knows. */
  get owner(): number {
    return (this.#cells.load(placeCell) % (siteRowsMax + 1)) - 1
  }

  /**
   * Takes over what somebody says of an epoch: both in one cell, so that nobody sees the epoch of one and the owner of
   * another. False when as much is known already; who owns an epoch never changes.
   */
  learn(epoch: number, owner: number): boolean {
    const next = epoch * (siteRowsMax + 1) + owner + 1
    for (;;) {
      const before = this.#cells.load(placeCell)
      const sameEpoch = Math.floor(before / (siteRowsMax + 1)) === epoch
      if (next <= before || (sameEpoch && this.owner !== -1)) return false
      if (this.#cells.compareExchange(placeCell, before, next)) return true
    }
  }

  /** Reads go to these sites. */
  setReaders(rows: readonly number[]): void {
    let mask = 0
    for (const row of rows) if (row < readerRowsMax) mask |= 1 << row
    this.#cells.store(readersCell, mask)
  }

  /** As bits by row. Changes whenever somebody else reads. */
  get readers(): number {
    return this.#cells.load(readersCell)
  }

  isReader(row: number): boolean {
    const mask = this.readers
    return mask === allReaders || row >= readerRowsMax || (mask & (1 << row)) !== 0
  }

  /** No new write of this epoch and those below it begins here; those under way may end. */
  close(epoch: number): void {
    if (epoch > this.#cells.load(closedCell)) this.#cells.store(closedCell, epoch)
  }

  /** A write begins in that thread: counted before it asks whether it may, so that whoever closes and then looks sees it. */
  enter(worker: number): void {
    this.#cells.add(writingCell + worker, 1)
  }

  leave(worker: number): void {
    this.#cells.add(writingCell + worker, -1)
  }

  /** That thread has died with what it had under way. */
  forget(worker: number): void {
    this.#cells.store(writingCell + worker, 0)
  }

  /** Whether a write of that epoch may begin. */
  mayBegin(epoch: number, now: number): boolean {
    return epoch > this.#cells.load(closedCell) && this.mayGoOn(epoch, now)
  }

  /** Whether one that has begun may go on, and be acknowledged. */
  mayGoOn(epoch: number, now: number): boolean {
    return this.lease.mayWrite(epoch, now) === 'accept'
  }

  /** Writes under way in all threads. */
  get writing(): number {
    let sum = 0
    for (let cell = writingCell; cell < this.#cells.length; cell++) sum += this.#cells.load(cell)
    return sum
  }
}
