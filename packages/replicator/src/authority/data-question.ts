import { wordIn } from '@budao/model'
import { refusal, type Answered } from '../http/http-front.ts'

/** What whoever keeps a lease asks about the data of this site, and tells it. */
export interface DataQuestion {
  readonly unit: string
  readonly service: string
  /** The newest epoch known there, and where it is. */
  readonly epoch: number
  readonly owner: string | null
  /** Whom the stored lease names as in sync. */
  readonly inSync: readonly string[]
}

/** How far the data of one unit is here. */
export interface DataPosition {
  /** Entries of the owner’s log that are here. */
  readonly position: number
  /** The epoch whose owner’s log this site follows; 0: none. */
  readonly epoch: number
  /** Everything the owner acknowledged longer ago than this is here, milliseconds; null: unknown. */
  readonly lagMs: number | null
  /** Writes that are at one of the two and not at the other, for good. */
  readonly divergence: number
  /** At the owner: sites without whose durable answer nothing of the service is acknowledged. */
  readonly inSync: readonly string[]
}

/** Who answers. Null: done; else why not, in a sentence. */
export interface DataAnswers {
  position(question: DataQuestion): Promise<DataPosition>
  restore(question: DataQuestion): Promise<string | null>
  catchUp(question: DataQuestion): Promise<string | null>
  shadow(question: DataQuestion): Promise<string | null>
  fence(question: DataQuestion): Promise<string | null>
  take(question: DataQuestion): Promise<string | null>
}

/** Answers one question as whoever keeps a lease posts it: the same as a hook of `services.<name>.data` does. */
export async function answerQuestion(answers: DataAnswers, body: unknown): Promise<Answered> {
  const asked = (body ?? {}) as Partial<DataQuestion> & { readonly do?: string }
  const { unit, service, epoch, owner = null, inSync = [] } = asked
  if (typeof unit !== 'string' || typeof service !== 'string' || !Number.isSafeInteger(epoch))
    return refusal(400, 'bad-body', 'expected do, unit, service and epoch')
  const question = { unit, service, epoch: epoch!, owner, inSync }
  const work = wordIn(works, asked.do ?? '')
  if (asked.do === 'position') return { status: 200, body: await answers.position(question) }
  if (work === undefined)
    return refusal(
      400,
      'bad-body',
      `do: expected position, ${Object.keys(works).join(', ')}, found ${asked.do}`,
    )
  const why = await work(answers, question)
  return { status: 200, body: why === null ? { ok: true } : { ok: false, why } }
}

const works: Readonly<Record<string, (to: DataAnswers, question: DataQuestion) => Promise<string | null>>> = {
  restore: (to, question) => to.restore(question),
  'catch-up': (to, question) => to.catchUp(question),
  shadow: (to, question) => to.shadow(question),
  fence: (to, question) => to.fence(question),
  claim: (to, question) => to.take(question),
}
