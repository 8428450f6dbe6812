import type { Clock } from '@budao/resilience'

/**
 * The time as of the last event: what happens in one turn of the event loop happens at one time. A proxied request asks
 * for the time eight times and reads the clock twice (measured: 10 % of the gateway's own work). Whoever is called by
 * the system begins with `turn`; who forgets sees a time that is at most one tick of the timer wheel old.
 */
export class TurnClock implements Clock {
  readonly #clock: Clock
  #now: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#now = clock.now()
  }

  now(): number {
    return this.#now
  }

  /** Reads the clock. */
  turn(): number {
    this.#now = this.#clock.now()
    return this.#now
  }
}
