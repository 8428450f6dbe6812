import type { TestContext } from 'node:test'
import type { Clock } from '@budao/resilience'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/**
 * A clock that moves only when the test says so: milliseconds from 0. Nothing global is patched, so it reaches
 * exactly the code it was handed to.
 *
 * @param t when given, the test fails if it ends while somebody still sleeps: a wait that nothing ended is a leak.
 */
export class TestClock implements Clock {
  #now = 0
  #sleepers: Sleeper[] = []

  constructor(t?: TestContext) {
    t?.after(() => this.assertNobodySleeps())
  }

  now(): number {
    return this.#now
  }

  /** How many sleeps have neither ended nor been aborted. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  /** Resolves once the clock has moved `ms` further; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal!.reason)
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const sleeper: Sleeper = { at: this.#now + ms, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Moves time forward one deadline at a time, so a woken sleeper may sleep again within the span. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (;;) {
      this.#sleepers.sort((a, b) => a.at - b.at) // Stable: arrival order decides ties.
      const next = this.#sleepers[0]
      if (next === undefined || next.at > until) break
      this.#sleepers.shift()
      this.#now = next.at
      next.wake()
      await settle()
    }
    this.#now = until
  }

  /** Throws if a sleep is still waiting. */
  assertNobodySleeps(): void {
    if (this.#sleepers.length === 0) return
    const deadlines = this.#sleepers.map(({ at }) => at).join(', ')
    throw new Error(`${this.#sleepers.length} sleeper(s) left at ${this.#now} ms, waiting for ${deadlines}`)
  }
}

/** Lets every promise chain run dry: a macrotask comes after all microtasks. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
