import { failure } from '@budao/resilience'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Caller } from './caller.ts'
import type { DataPlane } from '../threads/data-plane.ts'

/**
 * The attempts of one request that run beside one another: as a rule one, with hedging some more. Their objects are
 * kept from request to request.
 */
export class Race {
  /** The attempt begun last, or the one that has won. */
  current: Attempt
  /** Attempts that run. */
  running = 0
  readonly #plane: DataPlane
  readonly #owner: AttemptOwner
  readonly #caller: Caller
  readonly #first: Attempt
  /** Those beside the first, as many as were ever needed at once. */
  readonly #others: Attempt[] = []

  constructor(plane: DataPlane, owner: AttemptOwner, caller: Caller) {
    this.#plane = plane
    this.#owner = owner
    this.#caller = caller
    this.#first = new Attempt(plane, owner, caller)
    this.current = this.#first
  }

  /** A new request at a service; nothing runs. */
  reset(idempotent: boolean): void {
    this.#first.reset(idempotent)
  }

  /** An attempt to begin, which is then the current one. */
  enter(): Attempt {
    const attempt = this.running === 0 ? this.#first : this.#other()
    this.current = attempt
    this.running++
    return attempt
  }

  /** That one has been recorded. The current one is then another that still runs, if there is any. */
  leave(attempt: Attempt): void {
    this.running--
    if (this.running > 0 && this.current === attempt) this.current = this.oldest
  }

  /** That one has answered: the others are given up. */
  win(winner: Attempt, now: number): void {
    this.#forEach((attempt) => {
      if (attempt !== winner) attempt.lose(now)
    })
    this.current = winner
    this.running = 1
  }

  /** The one that has run longest. */
  get oldest(): Attempt {
    let oldest = this.current
    this.#forEach((attempt) => {
      if (!oldest.active || attempt.beganAt < oldest.beganAt) oldest = attempt
    })
    return oldest
  }

  /** Calls `visit` with the endpoint's index of each that runs. */
  forEachIndex(visit: (index: number) => void): void {
    this.#forEach(({ index }) => visit(index))
  }

  /** Nobody waits any more. */
  cancel(now: number): void {
    if (this.running > 0) this.#forEach((attempt) => attempt.cancel(now))
    this.running = 0
  }

  /** Time is over for all that run. `blame`: it was time enough to speak against the endpoints. */
  timeOut(blame: boolean, now: number): void {
    this.#forEach((attempt) => (blame ? attempt.timeOut(now) : attempt.cancel(now)))
    this.running = 0
  }

  /** The current one has failed in the middle of its answer. */
  fail(now: number): void {
    this.current.drop()
    this.current.end(false, failure, now)
    this.running = 0
  }

  #other(): Attempt {
    let other = this.#others.find(({ active }) => !active)
    if (other === undefined) {
      other = new Attempt(this.#plane, this.#owner, this.#caller)
      this.#others.push(other)
    }
    // Only what may be repeated runs twice.
    other.reset(true)
    return other
  }

  #forEach(visit: (attempt: Attempt) => void): void {
    if (this.#first.active) visit(this.#first)
    for (const attempt of this.#others) if (attempt.active) visit(attempt)
  }
}
