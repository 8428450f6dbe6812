const samples = 40

/**
 * How late a timer of 50 ms was in the last two seconds, the worst one left out. A burst of probes takes less than one second, and of three that
 * overlap a single late turn spoils two: who was late twice before that is no witness of silence, who was late once is.
 */
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

  /** The second worst, milliseconds. */
  get lateMs(): number {
    let [worst, second] = [0, 0]
    for (const late of this.#late) {
      if (late > worst) [worst, second] = [late, worst]
      else if (late > second) second = late
    }
    return second
  }
}
