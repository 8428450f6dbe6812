/** Something with a deadline. The wheel reads `deadlineAt` when it looks; the owner may move it at no cost. */
export interface Timed {
  /** Monotonic milliseconds; Infinity for none. */
  deadlineAt: number
  /** Written by the wheel: the tick at which it will look next, or -1. */
  wheelTick: number
  /** Called once when the deadline has passed. May set a new `deadlineAt` and schedule again. */
  onDeadline(now: number): void
}

/** Somebody who has a thing with a deadline wait, and is told in its place. */
export interface Waiter {
  onDeadline(): void
}

/** Slots with more entries are not searched for one. */
const SCAN_MAX = 1_024

/**
 * One timer for a whole thread. Deadlines are only looked at when their slot comes round, so that a connection which
 * moves its deadline with every request costs a comparison and no timer. A deadline is met up to one tick late.
 * After Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), with lazy re-insertion.
 */
export class TimerWheel {
  readonly #tickMs: number
  readonly #slots: Timed[][]
  #tick: number

  constructor(now: number, options: { readonly tickMs: number; readonly slots: number }) {
    this.#tickMs = options.tickMs
    this.#slots = Array.from({ length: options.slots }, () => [])
    this.#tick = Math.floor(now / options.tickMs)
  }

  /** Entries in all slots. */
  get size(): number {
    let size = 0
    for (const slot of this.#slots) size += slot.length
    return size
  }

  /** Must be called when `deadlineAt` was set or moved to an earlier time; harmless at any other. */
  schedule(timed: Timed): void {
    const { deadlineAt } = timed
    if (deadlineAt === Infinity) return
    const wanted = Math.max(Math.ceil(deadlineAt / this.#tickMs), this.#tick + 1)
    if (timed.wheelTick !== -1 && timed.wheelTick <= wanted) return
    this.#remove(timed)
    this.#insert(timed, wanted)
  }

  /** Forgets `timed`. */
  cancel(timed: Timed): void {
    timed.deadlineAt = Infinity
    this.#remove(timed)
    timed.wheelTick = -1
  }

  /** Looks at every slot up to `now`. */
  advance(now: number): void {
    const until = Math.floor(now / this.#tickMs)
    // After a long pause every slot is looked at once: more rounds would find the same entries.
    if (until - this.#tick > this.#slots.length) this.#tick = until - this.#slots.length
    while (this.#tick < until) {
      this.#tick++
      const index = this.#tick % this.#slots.length
      const slot = this.#slots[index]!
      if (slot.length === 0) continue
      this.#slots[index] = []
      for (const timed of slot) this.#look(timed, now)
    }
  }

  #look(timed: Timed, now: number): void {
    // An entry that was moved or cancelled may have left its old place behind: nothing to do there.
    if (timed.wheelTick === -1 || timed.wheelTick > this.#tick) return
    timed.wheelTick = -1
    if (timed.deadlineAt <= now) timed.onDeadline(now)
    else this.schedule(timed)
  }

  /**
   * A connection that has gone is not kept in memory until its slot comes round, 20 s later: where clients come and go
   * that was most of what they cost. Where very many share a slot they are left for then.
   */
  #remove(timed: Timed): void {
    if (timed.wheelTick === -1) return
    const slot = this.#slots[timed.wheelTick % this.#slots.length]!
    if (slot.length > SCAN_MAX) return
    const at = slot.lastIndexOf(timed)
    if (at === -1) return
    const last = slot.pop()!
    if (at < slot.length) slot[at] = last
  }

  #insert(timed: Timed, wanted: number): void {
    const tick = Math.min(wanted, this.#tick + this.#slots.length - 1)
    timed.wheelTick = tick
    this.#slots[tick % this.#slots.length]!.push(timed)
  }
}
