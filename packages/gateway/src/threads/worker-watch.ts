import type { Clock } from '@budao/resilience'
import type { MetricsReader } from '../metrics/metrics.ts'
import type { WorkerPool } from './worker-pool.ts'

/** A worker that has not reacted for so long is replaced. */
const STUCK_MS = 10_000

/** Whether the threads that serve still turn, by the moments that they write down. */
export class WorkerWatch {
  readonly #pool: WorkerPool
  readonly #reader: MetricsReader
  readonly #clock: Clock
  readonly #stuckMs: number

  constructor(pool: WorkerPool, reader: MetricsReader, clock: Clock, stuckMs: number = STUCK_MS) {
    this.#pool = pool
    this.#reader = reader
    this.#clock = clock
    this.#stuckMs = stuckMs
  }

  /** Replaces those that have not turned for too long. */
  look(now: number): void {
    for (const { id, state } of this.#pool.states()) {
      const seenAt = this.#reader.tickAt(id)
      if (state !== 'serving' || seenAt === 0 || now - seenAt <= this.#stuckMs) continue
      void this.#pool.replace(id, `it has not reacted for ${Math.round(now - seenAt)} ms`)
    }
  }

  /** Since the liveliest of them has last turned, milliseconds; null: none serves. */
  turnedMs(): number | null {
    const now = this.#clock.now()
    const serving = this.#pool.states().filter(({ state }) => state === 'serving')
    return serving.length === 0 ? null : Math.min(...serving.map(({ id }) => now - this.#reader.tickAt(id)))
  }
}
