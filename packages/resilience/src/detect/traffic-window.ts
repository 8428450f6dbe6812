/** How a real request ended, as far as it speaks for or against the place. */
export type TrafficOutcome = 'served' | 'connect-failed' | 'timed-out' | 'failed'

const connectFailuresMax = 3
const timeoutsMax = 5
const windowMs = 1000
const requestsMin = 20

/**
 * What real requests say: three connection failures in a row, five timeouts in a row, or half of at least 20 requests
 * failing within a second. Counts of the current and the last second, weighed by how much of the last one still counts.
 */
export class TrafficWindow {
  #connectFailures = 0
  #timeouts = 0
  #second = 0
  #calls = 0
  #failures = 0
  #callsBefore = 0
  #failuresBefore = 0

  /** Takes one result; says whether the place is suspect by it. */
  record(outcome: TrafficOutcome, now: number): boolean {
    this.#turn(now)
    this.#calls++
    if (outcome === 'served') {
      this.#connectFailures = this.#timeouts = 0
      return false
    }
    this.#failures++
    this.#connectFailures = outcome === 'connect-failed' ? this.#connectFailures + 1 : 0
    this.#timeouts = outcome === 'timed-out' ? this.#timeouts + 1 : 0
    if (this.#connectFailures >= connectFailuresMax || this.#timeouts >= timeoutsMax) return true
    const share = 1 - (now / windowMs - this.#second)
    const calls = this.#calls + this.#callsBefore * share
    const failures = this.#failures + this.#failuresBefore * share
    return calls >= requestsMin && failures * 2 >= calls
  }

  /** What was seen decides no more: it was confirmed or refuted. */
  clear(): void {
    this.#connectFailures = this.#timeouts = this.#calls = this.#failures = 0
    this.#callsBefore = this.#failuresBefore = 0
  }

  #turn(now: number): void {
    const second = Math.floor(now / windowMs)
    if (second === this.#second) return
    const next = second === this.#second + 1
    this.#callsBefore = next ? this.#calls : 0
    this.#failuresBefore = next ? this.#failures : 0
    this.#calls = this.#failures = 0
    this.#second = second
  }
}
