import type { Timeline } from '../timeline.ts'

/**
 * A process: it can be stopped and continued, killed and started, and its monotonic clock runs at a rate of its own
 * from an origin of its own. What it planned ends with it; what reaches it while it is stopped waits.
 */
export class SimProcess {
  readonly name: string
  readonly domain: string
  alive = true
  /** One more for each start. */
  starts = 1
  readonly #timeline: Timeline
  readonly #rate: number
  #origin: number
  #pausedUntil = -1
  #waiting: (() => void)[] = []

  constructor(timeline: Timeline, name: string, domain: string, rate: number, origin: number) {
    this.#timeline = timeline
    this.name = name
    this.domain = domain
    this.#rate = rate
    this.#origin = origin
  }

  /** Its own clock. */
  now(): number {
    return this.#origin + this.#timeline.now() * this.#rate
  }

  get paused(): boolean {
    return this.#timeline.now() < this.#pausedUntil
  }

  /** After that time by its own clock, if it still lives. */
  after(ms: number, run: () => void): void {
    const { starts } = this
    this.#timeline.after(ms / this.#rate, () => {
      if (this.alive && this.starts === starts) this.reach(run)
    })
  }

  /** Something reaches it from outside: at once, or when it is continued. */
  reach(run: () => void): void {
    if (!this.alive) return
    if (this.#pausedUntil > this.#timeline.now() || this.#waiting.length > 0) this.#waiting.push(run)
    else run()
  }

  pause(ms: number): void {
    const until = this.#timeline.now() + ms
    if (!this.alive || until <= this.#pausedUntil) return
    this.#pausedUntil = until
    const { starts } = this
    this.#timeline.after(ms, () => {
      if (!this.alive || this.starts !== starts || this.#pausedUntil > this.#timeline.now()) return
      const waiting = this.#waiting
      this.#waiting = []
      for (const run of waiting) {
        if (this.alive && this.starts === starts) run()
      }
    })
  }

  kill(): void {
    this.alive = false
    this.#waiting = []
    this.#pausedUntil = -1
  }

  /** Starts it again with a clock that begins elsewhere; the owner of the process makes its memory anew. */
  start(): void {
    this.alive = true
    this.starts++
    this.#origin += 1_000_003
  }
}
