import { Refusal } from './admin-client.ts'
import type { AdminClient } from './admin-client.ts'

/** What a process has not is not asked for every second: it may have it after a change of its configuration. */
const askAgainMs = 30_000

/** Something that is asked for every so often, and null where the process has none. */
export class AskedNowAndThen<T> {
  readonly #client: Pick<AdminClient, 'get'>
  readonly #path: string
  readonly #everyMs: number
  #nextAt = 0
  #known: T | null = null

  constructor(client: Pick<AdminClient, 'get'>, path: string, everyMs: number) {
    this.#client = client
    this.#path = path
    this.#everyMs = everyMs
  }

  /** `now`: monotonic milliseconds. */
  async ask(now: number): Promise<T | null> {
    if (now < this.#nextAt) return this.#known
    try {
      this.#known = await this.#client.get<T>(this.#path)
      this.#nextAt = now + this.#everyMs
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 404) throw error
      this.#known = null
      this.#nextAt = now + askAgainMs
    }
    return this.#known
  }
}
