import { settle } from '../clock.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

/** Time of a whole simulated phone: nothing happens but what is due, in its order, and all that follows from it first. */
export class VirtualTime {
  #now = 0
  #order = 0
  #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  /** Calls `fire` once behind `ms`; the function it returns prevents that. */
  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fire }
    this.#timers.push(timer)
    return () => {
      const index = this.#timers.indexOf(timer)
      if (index !== -1) this.#timers.splice(index, 1)
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.length
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#now = next.at
      next.fire()
      await settle()
    }
    this.#now = until
  }

  /** Moves on until `promise` has settled. Throws when nothing is left that could settle it, or `msMax` have passed. */
  async until<T>(promise: Promise<T>, msMax = 600_000): Promise<T> {
    const state = { settled: false }
    const settled = (): void => {
      state.settled = true
    }
    promise.then(settled, settled)
    const end = this.#now + msMax
    await settle()
    while (!state.settled) {
      const next = this.#next(end)
      if (next === undefined)
        throw new Error(`nothing more happens by ${end} ms, and the promise is still open`)
      this.#now = next.at
      next.fire()
      await settle()
    }
    return promise
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at > until) continue
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer
    }
    if (first !== undefined) this.#timers.splice(this.#timers.indexOf(first), 1)
    return first
  }
}
