/** A burst, and the time in which it fills up again. */
export interface EventBudgetOptions {
  /** So many events at once, at least 1. */
  readonly events: number
  /** Milliseconds in which as many more are earned. */
  readonly perMs: number
}

/**
 * How many events of a costly kind one peer may cause: a token bucket of one peer and one thread, full at first. The
 * one who spends more than there is should be shown the door.
 */
export class EventBudget {
  readonly #options: EventBudgetOptions
  #left: number
  #at: number

  /** Throws a RangeError for options out of range. */
  constructor(now: number, options: EventBudgetOptions) {
    const { events, perMs } = options
    if (!(events >= 1 && perMs > 0))
      throw new RangeError(
        `events and perMs: expected at least 1 and more than 0, got ${events} per ${perMs} ms`,
      )
    this.#options = options
    this.#left = events
    this.#at = now
  }

  /** Takes `cost`; false when there was less. */
  spend(now: number, cost = 1): boolean {
    const { events, perMs } = this.#options
    this.#left = Math.min(events, this.#left + ((now - this.#at) * events) / perMs)
    this.#at = now
    if (this.#left < cost) return false
    this.#left -= cost
    return true
  }
}
