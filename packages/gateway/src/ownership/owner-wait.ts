import type { DataPlane } from '../threads/data-plane.ts'
import type { Timed } from '../threads/timer-wheel.ts'

/** Writes of one thread that wait at once; more are refused. */
const waitingMax = 1_024
const lookEveryMs = 20
/** So often it is tried although nothing is new: a gateway may come back with the epoch that it had. */
const tryEveryMs = 250

/** Who waits. */
export interface OwnerSeeker {
  /** Something is new, or may be: it is tried once more, and may wait again. */
  onOwner(now: number): void
}

/** A write that waits until somebody may accept it: while a site is lost, as a rule, until the next one has the lease. */
export class OwnerWait implements Timed {
  deadlineAt: number = Infinity
  wheelTick: number = -1
  waiting = false
  readonly #plane: DataPlane
  readonly #isNews: (now: number) => boolean
  #seeker: OwnerSeeker | null = null
  /** Until when the request may wait in all; -1 before it first did. */
  #until = -1
  #tryAt = 0

  /** `isNews`: whether another attempt is worth it already. */
  constructor(plane: DataPlane, isNews: (now: number) => boolean) {
    this.#plane = plane
    this.#isNews = isNews
  }

  /** Another request. */
  renew(): void {
    this.end()
    this.#until = -1
  }

  /** False when the request has waited for `waitMs`, or too many do. */
  begin(seeker: OwnerSeeker, waitMs: number, now: number): boolean {
    if (this.#until === -1) this.#until = now + waitMs
    if (now >= this.#until || this.#plane.peers.waiting >= waitingMax) return false
    this.#plane.peers.waiting++
    this.waiting = true
    this.#seeker = seeker
    this.#tryAt = now + tryEveryMs
    this.#look(now)
    return true
  }

  /** Waits no longer. Harmless when it does not. */
  end(): void {
    if (!this.waiting) return
    this.waiting = false
    this.#plane.peers.waiting--
    this.#plane.wheel.cancel(this)
  }

  /** Its time is over. */
  giveUp(): void {
    this.end()
    this.#until = 0
  }

  onDeadline(now: number): void {
    if (now < this.#tryAt && now < this.#until && !this.#isNews(now)) return this.#look(now)
    this.end()
    this.#seeker!.onOwner(now)
  }

  #look(now: number): void {
    this.deadlineAt = Math.min(now + lookEveryMs, this.#until)
    this.#plane.wheel.schedule(this)
  }
}
