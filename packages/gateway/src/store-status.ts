import type { Cells } from '@budao/resilience'
import type { StoreEnv } from './store.ts'

/** Places in a store's cells; then one for each thread: 1 while that thread finds it away. */
const Place = { told: 0, answered: 1, failed: 2, passed: 3, threads: 4 } as const

/** How many cells a store needs, zeroed when new. */
export function storeCells(workers: number): number {
  return Place.threads + workers
}

/** What the threads of a process have seen of a store. Counters wrap at 32 bits. */
export interface StoreCounts {
  readonly here: boolean
  readonly answered: number
  readonly failed: number
  /** Not asked, because it was away. */
  readonly passed: number
}

export function readStoreCounts(cells: Cells): StoreCounts {
  return {
    here: cells.load(Place.told) === 0,
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
  /** Nobody is told that a store is back that was never missed. */
  #started = false

  constructor(env: StoreEnv) {
    this.#env = env
    env.cells.store(Place.threads + env.worker, 0)
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
    this.#started = true
    cells.store(Place.threads + worker, 1)
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
    const first = !this.#started
    this.#started = true
    cells.store(Place.threads + worker, 0)
    if (first && cells.load(Place.told) === 0) return
    for (let place = Place.threads; place < cells.length; place++) if (cells.load(place) !== 0) return
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
