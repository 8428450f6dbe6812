import type { DrillsReport } from '@budao/model'
import { Refusal } from './admin-client.ts'
import type { AdminClient } from './admin-client.ts'

/** Between two questions while nothing runs: the list changes rarely. */
const everyMs = 5_000

/** Asks for drills, often while one runs. */
export class DrillQuestion {
  readonly #client: Pick<AdminClient, 'get'>
  #nextAt = 0
  #known: DrillsReport | null = null

  constructor(client: Pick<AdminClient, 'get'>) {
    this.#client = client
  }

  /** The next question is asked at once. */
  hurry(): void {
    this.#nextAt = 0
  }

  /** Null where the process knows of none. `now`: monotonic milliseconds. */
  async ask(now: number): Promise<DrillsReport | null> {
    if (now < this.#nextAt) return this.#known
    try {
      this.#known = await this.#client.get<DrillsReport>('/api/v1/drills')
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 404) throw error
      this.#known = null
    }
    const runs = this.#known?.current?.outcome === null || this.#known?.open?.running === true
    this.#nextAt = runs ? 0 : now + everyMs
    return this.#known
  }
}
