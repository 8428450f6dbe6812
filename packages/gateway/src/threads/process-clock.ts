import type { Clock } from '@budao/resilience'

/**
 * The system's monotonic clock, the same in all threads: `performance.now()` starts at another origin in each thread,
 * and what threads leave each other in shared memory has times in it.
 */
export class ProcessClock implements Clock {
  readonly #originMs: number

  constructor() {
    const [seconds, nanoseconds] = process.hrtime()
    this.#originMs = seconds * 1_000 + nanoseconds / 1e6 - performance.now()
  }

  now(): number {
    return this.#originMs + performance.now()
  }
}
