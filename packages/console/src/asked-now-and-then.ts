import { Refusal } from './admin-client.ts'

/** What a process has not is not asked for every second: it may have it after a change of its configuration. */
const askAgainMs = 30_000

/** Something that is asked for every so often, and null where the process has none. */
export class AskedNowAndThen<T> {
  readonly #ask: (looking: boolean) => Promise<T>
  readonly #restMs: (answer: T, looking: boolean) => number
  #nextAt = 0
  #known: T | null = null
  #looking = false

  /** `ask` rejects with a refusal of status 404 where there is none. `restMs`: until it is asked again. `looking`: somebody looks at the page of it. */
  constructor(ask: (looking: boolean) => Promise<T>, restMs: (answer: T, looking: boolean) => number) {
    this.#ask = ask
    this.#restMs = restMs
  }

  /** The next question is asked at once, and whether somebody looks at its page. */
  hurry(looking: boolean = this.#looking): void {
    this.#looking = looking
    this.#nextAt = 0
  }

  /** `now`: monotonic milliseconds. */
  async ask(now: number): Promise<T | null> {
    if (now < this.#nextAt) return this.#known
    try {
      this.#known = await this.#ask(this.#looking)
      this.#nextAt = now + this.#restMs(this.#known, this.#looking)
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 404) throw error
      this.#known = null
      this.#nextAt = now + askAgainMs
    }
    return this.#known
  }
}

/** Between two questions, milliseconds: of what somebody looks at, and of what is a number beside a link only. */
export function pace(everyMs: number, asideMs: number = everyMs): (_: unknown, looking: boolean) => number {
  return (_, looking) => (looking ? everyMs : asideMs)
}
