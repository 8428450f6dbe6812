/** Somebody in a line. The line writes both. */
export interface Waiter {
  /** Its class: 0 is served first. */
  rank: number
  /** Monotonic milliseconds. */
  waitingSince: number
}

/** How many classes a line can have. */
export const ranks = 4

/**
 * Who waits for a place, by class and within a class by age: the oldest first, until the oldest has waited for more than
 * half of `waitMs`. Then there is no hope for all of them, and the newest come first: they are still awaited, and the old run into
 * their timeout (adaptive LIFO, after "Fail at Scale", ACM Queue 2015).
 */
export class WaitingLine<W extends Waiter> {
  /** Nobody waits longer. May be changed while somebody waits. */
  waitMs: number
  readonly #classes: W[][] = Array.from({ length: ranks }, () => [])
  #length = 0

  constructor(waitMs: number) {
    this.waitMs = waitMs
  }

  get length(): number {
    return this.#length
  }

  /** Class of the next in the line; `ranks` when there is none. */
  get rank(): number {
    for (let rank = 0; rank < ranks; rank++) if (this.#classes[rank]!.length > 0) return rank
    return ranks
  }

  /** Since when the next class has somebody waiting; Infinity when nobody is. */
  get since(): number {
    return this.#classes[this.rank]?.[0]!.waitingSince ?? Infinity
  }

  add(waiter: W, rank: number, now: number): void {
    waiter.rank = rank
    waiter.waitingSince = now
    this.#classes[rank]!.push(waiter)
    this.#length++
  }

  /** Takes out who is served next. */
  next(now: number): W | undefined {
    const waiters = this.#classes[this.rank]
    if (waiters === undefined) return undefined
    this.#length--
    return this.#isHopeless(waiters, now) ? waiters.pop() : waiters.shift()
  }

  /** Takes out who would be served last, if it is of a lower class than `rank`. */
  last(rank: number, now: number): W | undefined {
    for (let lowest = ranks - 1; lowest > rank; lowest--) {
      const waiters = this.#classes[lowest]!
      if (waiters.length === 0) continue
      this.#length--
      return this.#isHopeless(waiters, now) ? waiters.shift() : waiters.pop()
    }
    return undefined
  }

  /** Takes out somebody who has waited too long. */
  expired(now: number): W | undefined {
    for (const waiters of this.#classes) {
      if (waiters.length === 0 || now - waiters[0]!.waitingSince < this.waitMs) continue
      this.#length--
      return waiters.shift()
    }
    return undefined
  }

  /** Takes out one that no longer wants a place; says whether it was in the line. */
  remove(waiter: W): boolean {
    const waiters = this.#classes[waiter.rank]
    const index = waiters?.indexOf(waiter) ?? -1
    if (index === -1) return false
    waiters!.splice(index, 1)
    this.#length--
    return true
  }

  #isHopeless(waiters: readonly W[], now: number): boolean {
    return now - waiters[0]!.waitingSince > this.waitMs / 2
  }
}
