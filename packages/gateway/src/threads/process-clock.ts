import type { Clock } from '@budao/resilience'

const samples = 5

/**
 * The system's monotonic clock, the same in all threads: `performance.now()` starts at another origin in each thread,
 * and what threads leave each other in shared memory has times in it.
 */
export class ProcessClock implements Clock {
  readonly #originMs: number = originOf(systemMs, () => performance.now())

  now(): number {
    return this.#originMs + performance.now()
  }
}

/**
 * Where the thread's clock has its zero on the system's. Between two questions a thread may be stopped, for tens of milliseconds on a busy
 * machine, and its clock would be late by that for ever: of several samples the one counts whose questions lay closest.
 */
export function originOf(system: () => number, thread: () => number): number {
  let closest = Infinity
  let origin = 0
  for (let sample = 0; sample < samples; sample++) {
    const before = thread()
    const at = system()
    const after = thread()
    if (after - before >= closest) continue
    closest = after - before
    origin = at - (before + after) / 2
  }
  return origin
}

function systemMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1e6
}
