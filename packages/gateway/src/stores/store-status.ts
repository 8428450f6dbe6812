import type { Cells } from '@budao/resilience'
import type { StoreEnv } from './store.ts'

/** Places in a store's cells; from `threads` on one for each thread, with what that thread has seen. */
const Place = { told: 0, answered: 1, failed: 2, passed: 3, threads: 4 } as const

/** What a thread has seen. */
const Seen = { nothing: 0, here: 1, away: 2 } as const

/** How many cells a store needs, zeroed when new. */
export function storeCells(workers: number): number {
  return Place.threads + workers
}

/** What the threads of a process have seen of a store. Counters wrap at 32 bits. */
export interface StoreCounts {
  /** Every thread finds it there. */
  readonly here: boolean
  readonly answered: number
  readonly failed: number
  /** Not asked, because it was away. */
  readonly passed: number
}

function allThreads(cells: Cells, test: (seen: number) => boolean): boolean {
  for (let place: number = Place.threads; place < cells.length; place++) {
    if (!test(cells.load(place))) return false
  }
  return true
}

export function readStoreCounts(cells: Cells): StoreCounts {
  return {
    here: allThreads(cells, (seen) => seen === Seen.here),
    answered: cells.load(Place.answered) >>> 0,
    failed: cells.load(Place.failed) >>> 0,
    passed: cells.load(Place.passed) >>> 0,
  }
}

/**
 * Counts the calls of one thread, and tells people once for the whole process when the store goes away (the first
 * thread that notices) and when it is back (the last one that missed it).
 */
export class StoreStatus {
  readonly #env: StoreEnv

  constructor(env: StoreEnv) {
    this.#env = env
    env.cells.store(Place.threads + env.worker, Seen.nothing)
  }

  answered(): void {
    this.#env.cells.add(Place.answered, 1)
  }

  failed(): void {
    this.#env.cells.add(Place.failed, 1)
  }

  passed(): void {
    this.#env.cells.add(Place.passed, 1)
  }

  away(reason: string): void {
    const { cells, worker, name, report } = this.#env
    cells.store(Place.threads + worker, Seen.away)
    if (!cells.compareExchange(Place.told, 0, 1)) return
    report({
      kind: 'store.away',
      severity: 'warning',
      subject: name,
      message: `The store ${name} is away: what depends on it goes on without it.`,
      evidence: { reason, ...this.#numbers() },
    })
  }

  back(): void {
    const { cells, worker, name, report } = this.#env
    cells.store(Place.threads + worker, Seen.here)
    if (!allThreads(cells, (seen) => seen !== Seen.away)) return
    // Nobody is told that a store is back that was never missed.
    if (!cells.compareExchange(Place.told, 1, 0)) return
    report({
      kind: 'store.back',
      severity: 'info',
      subject: name,
      message: `The store ${name} is back.`,
      evidence: this.#numbers(),
    })
  }

  #numbers(): { answered: number; failed: number; passed: number } {
    const { answered, failed, passed } = readStoreCounts(this.#env.cells)
    return { answered, failed, passed }
  }
}
