/**
 * How threads wake one another: a cell for each, that others count up. The thread waits for its own cell to change
 * without blocking; the wait does not keep it alive.
 */
export class Doorbells {
  readonly #memory: Int32Array
  readonly #offset: number

  static cellsFor(workers: number): number {
    return workers
  }

  constructor(memory: Int32Array, offset: number) {
    this.#memory = memory
    this.#offset = offset
  }

  ring(worker: number): void {
    Atomics.add(this.#memory, this.#offset + worker, 1)
    Atomics.notify(this.#memory, this.#offset + worker)
  }

  /** Calls `onRing` whenever somebody has rung for that thread, until it returns false. */
  async answer(worker: number, onRing: () => boolean): Promise<void> {
    const index = this.#offset + worker
    for (;;) {
      const seen = Atomics.load(this.#memory, index)
      const wait = Atomics.waitAsync(this.#memory, index, seen)
      if (wait.async) await wait.value
      if (!onRing()) return
    }
  }
}
