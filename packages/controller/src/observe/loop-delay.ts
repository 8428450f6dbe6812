const samples = 100

/** How late a timer of 50 ms was in the last five seconds: the second worst of a hundred stands for the p99. */
export class LoopDelay {
  readonly #late = new Float64Array(samples)
  #next = 0

  turn(lateMs: number): void {
    this.#late[this.#next] = Math.max(0, lateMs)
    this.#next = (this.#next + 1) % samples
  }

  /** A pause is known as one: what it did to the timers is not counted twice. */
  forget(): void {
    this.#late.fill(0)
  }

  get p99Ms(): number {
    let [worst, second] = [0, 0]
    for (const late of this.#late) {
      if (late > worst) [worst, second] = [late, worst]
      else if (late > second) second = late
    }
    return second
  }
}
