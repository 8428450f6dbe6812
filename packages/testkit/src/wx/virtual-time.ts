import { settle } from '../clock.ts'

/** Where a phone's time comes from: simulated, or the machine's. Milliseconds. */
export interface TimeSource {
  now(): number
  /** Calls `fire` once behind `ms`; the function it returns prevents that. */
  after(ms: number, fire: () => void): () => void
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly fire: () => void
  over: boolean
}

/** Time of whole simulated phones: nothing happens but what is due, in its order, and all that follows from it first. */
export class VirtualTime implements TimeSource {
  #now = 0
  #order = 0
  #pending = 0
  /** A binary heap; what was prevented stays in it until its turn. */
  readonly #heap: Timer[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fire, over: false }
    this.#push(timer)
    this.#pending++
    return () => {
      if (timer.over) return
      timer.over = true
      this.#pending--
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    while (this.#step(until)) await settle()
    this.#now = until
  }

  /** Moves on until `promise` has settled. Throws when nothing is left that could settle it, or `msMax` have passed. */
  async until<T>(promise: PromiseLike<T>, msMax = 600_000): Promise<T> {
    const state = { settled: false }
    const settled = (): void => {
      state.settled = true
    }
    promise.then(settled, settled)
    const end = this.#now + msMax
    await settle()
    while (!state.settled) {
      if (!this.#step(end))
        throw new Error(`nothing more happens by ${end} ms, and the promise is still open`)
      await settle()
    }
    return promise
  }

  /** Fires the first timer that is due by `until`. */
  #step(until: number): boolean {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined) return false
      if (!first.over && first.at > until) return false
      this.#pop()
      if (first.over) continue
      first.over = true
      this.#pending--
      this.#now = first.at
      first.fire()
      return true
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let place = heap.length
    while (place > 0) {
      const parent = (place - 1) >>> 1
      if (!isBefore(timer, heap[parent]!)) break
      heap[place] = heap[parent]!
      place = parent
    }
    heap[place] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[place] = heap[child]!
      place = child
    }
    heap[place] = last
  }
}

/** The machine's own time, for phones on a real network. */
export const realTime: TimeSource = {
  now: () => performance.now(),
  after(ms, fire) {
    const timer = setTimeout(fire, ms)
    return () => clearTimeout(timer)
  },
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
