import type { Clock } from '@budao/resilience'

/**
 * A clock that can be held: between `hold` and `release` no time passes. What one read of a socket sets off happens at one
 * time, so that a proxied request, which asks for the time eight times, reads the clock twice (measured: 10 % of the
 * gateway's own work). Who is called otherwise need know nothing of it and gets the time as it is.
 */
export class TurnClock implements Clock {
  readonly #clock: Clock
  #held = false
  #now = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#held ? this.#now : this.#clock.now()
  }

  /** The time as it is, held or not: for what a stop of the process in the middle of a turn must not hide. */
  actual(): number {
    return this.#clock.now()
  }

  /** Holds the clock at the time that it is. Always followed by `release` before the event loop goes on. */
  hold(): void {
    this.#now = this.#clock.now()
    this.#held = true
  }

  release(): void {
    this.#held = false
  }
}
