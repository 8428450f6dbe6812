/**
 * Memory of a resilience rule: 32-bit integers that are read and changed atomically. The same rule runs
 * over plain memory in a phone and over shared memory in a gateway, where several threads are one gateway.
 *
 * Every method works on one cell; a rule that must change two facts together packs them into one cell.
 */
export interface Cells {
  readonly length: number
  load(index: number): number
  store(index: number, value: number): void
  /** Adds and returns the value from before. Wraps at 32 bits. */
  add(index: number, delta: number): number
  /** Stores `next` if the cell still holds `expected`; says whether it did. */
  compareExchange(index: number, expected: number, next: number): boolean
}

/** Cells of one thread. Needs neither `Atomics` nor `SharedArrayBuffer`, which some phones lack. */
export class LocalCells implements Cells {
  readonly #cells: Int32Array

  constructor(length: number) {
    this.#cells = new Int32Array(length)
  }

  get length(): number {
    return this.#cells.length
  }

  load(index: number): number {
    return this.#cells[index]!
  }

  store(index: number, value: number): void {
    this.#cells[index] = value
  }

  add(index: number, delta: number): number {
    const before = this.#cells[index]!
    this.#cells[index] = before + delta
    return before
  }

  compareExchange(index: number, expected: number, next: number): boolean {
    if (this.#cells[index] !== expected) return false
    this.#cells[index] = next
    return true
  }
}

/** Cells that several threads share: a window of `length` cells from `offset` on a SharedArrayBuffer's view. */
export class SharedCells implements Cells {
  readonly length: number
  readonly #cells: Int32Array
  readonly #offset: number

  constructor(cells: Int32Array, offset = 0, length: number = cells.length - offset) {
    this.#cells = cells
    this.#offset = offset
    this.length = length
  }

  load(index: number): number {
    return Atomics.load(this.#cells, this.#offset + index)
  }

  store(index: number, value: number): void {
    Atomics.store(this.#cells, this.#offset + index, value)
  }

  add(index: number, delta: number): number {
    return Atomics.add(this.#cells, this.#offset + index, delta)
  }

  compareExchange(index: number, expected: number, next: number): boolean {
    return Atomics.compareExchange(this.#cells, this.#offset + index, expected, next) === expected
  }
}
