/** Retries that a new client may make before its calls have earned any. */
const AT_FIRST = 5
const SAVED_MAX = 10

/** Keeps retries a share of calls: the gateway's rule for one thread, held equal to it by a property test. */
export class RetryBudget {
  readonly #percent: number
  /** In hundredths of a retry. */
  #saved: number

  constructor(percent: number) {
    this.#percent = Math.round(percent)
    this.#saved = percent > 0 ? AT_FIRST * 100 : 0
  }

  /** Once per call, not per attempt. */
  deposit(): void {
    if (this.#saved < SAVED_MAX * 100) this.#saved += this.#percent
  }

  /** Whether a retry may be made; takes its price when it may. */
  withdraw(): boolean {
    if (this.#saved < 100) return false
    this.#saved -= 100
    return true
  }
}
