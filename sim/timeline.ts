import type { Clock } from '@budao/resilience'

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Simulated time: what was planned runs in order of its moment, ties in order of planning. Milliseconds from 0. */
export class Timeline implements Clock {
  #now = 0
  #order = 0
  readonly #planned: Planned[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): void {
    const planned = { at: this.#now + ms, order: this.#order++, run }
    // Kept latest first, so the next one is popped from the end.
    let low = 0
    let high = this.#planned.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isLater(this.#planned[middle]!, planned)) low = middle + 1
      else high = middle
    }
    this.#planned.splice(low, 0, planned)
  }

  /** Runs until nothing is planned, or `afterEach`, which is called after every step, says true. */
  run(afterEach: () => boolean | void): void {
    for (let next = this.#planned.pop(); next !== undefined; next = this.#planned.pop()) {
      this.#now = next.at
      next.run()
      if (afterEach() === true) return
    }
  }
}

function isLater(a: Planned, b: Planned): boolean {
  return a.at > b.at || (a.at === b.at && a.order > b.order)
}
