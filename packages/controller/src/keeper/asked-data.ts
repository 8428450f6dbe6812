import type { DataPosition, DataQuestion, DataResult, SiteData } from './site-data.ts'

/** Asks once, and gives the answer’s text. Rejects with a sentence that says why there is none. */
export type AskData = (
  question: DataQuestion & { readonly do: DataVerb },
  timeoutMs: number,
) => Promise<string>

type DataVerb = 'position' | 'restore' | 'catch-up' | 'shadow' | 'fence' | 'claim'

/** A position is wanted twice a second. */
const positionMs = 2_000
/** As long as a controller waits for it. */
const workMs = 30_000
/** Writes stand still meanwhile. */
const rightMs = 1_000

/** Loaded where somebody is asked: zod takes 6 MB, and every gateway and agent has this file. */
const answers = (): Promise<typeof import('./data-answers.ts')> => import('./data-answers.ts')

/** The data of a service that somebody at this site is asked about. An answer that makes no sense is none. */
export class AskedData implements SiteData {
  readonly shared = false
  readonly #ask: AskData

  constructor(ask: AskData) {
    this.#ask = ask
  }

  async position(question: DataQuestion): Promise<DataPosition | null> {
    try {
      const text = await this.#ask({ do: 'position', ...question }, positionMs)
      return (await answers()).positionIn(text)
    } catch {
      // Not knowing is what it leads to: the position told last grows old.
      return null
    }
  }

  restore(question: DataQuestion): Promise<DataResult> {
    return this.work('restore', question)
  }

  catchUp(question: DataQuestion): Promise<DataResult> {
    return this.work('catch-up', question)
  }

  shadow(question: DataQuestion): Promise<DataResult> {
    return this.work('shadow', question)
  }

  protected async work(
    verb: DataVerb,
    question: DataQuestion,
    timeoutMs: number = workMs,
  ): Promise<DataResult> {
    try {
      const text = await this.#ask({ do: verb, ...question }, timeoutMs)
      const { ok, why } = (await answers()).workDoneIn(text)
      return ok ? null : why
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
}

/** The same, where the data keeps epochs and says whether it may write in the next one: a replicator does. */
export class GuardedData extends AskedData {
  fence(question: DataQuestion): Promise<DataResult> {
    return this.work('fence', question, rightMs)
  }

  claim(question: DataQuestion): Promise<DataResult> {
    return this.work('claim', question, rightMs)
  }
}
