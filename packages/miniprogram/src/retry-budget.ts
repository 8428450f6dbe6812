/** Retries that a new client may make before its calls have earned any. */
const AT_FIRST = 3
const SAVED_MAX = 6
/** What a retry costs, in hundredths: so many per cent of calls may be one. */
const PRICE = 100
/**
 * What an answered call earns: on a network that loses every third attempt, a little more than those cost. The AWS SDKs give the
 * whole price back for a retry that went well, which bounds nothing where half of them do.
 */
export const ANSWERED = 90

/**
 * Keeps retries a share of calls, as the gateway does, and lets answers pay for what a weak network loses: a site that answers
 * nobody is asked little more than once a call, one that answers two attempts in three as often as it takes.
 */
export class RetryBudget {
  readonly #percent: number
  /** In hundredths of a retry. */
  #saved: number

  constructor(percent: number) {
    this.#percent = Math.round(percent)
    this.#saved = percent > 0 ? AT_FIRST * PRICE : -Infinity
  }

  /** Once per call, not per attempt; and what an answer earns, when it has come. */
  deposit(hundredths: number = this.#percent): void {
    if (this.#saved < SAVED_MAX * PRICE) this.#saved += hundredths
  }

  /** Whether a retry may be made; takes its price when it may. */
  withdraw(): boolean {
    if (this.#saved < PRICE) return false
    this.#saved -= PRICE
    return true
  }
}
