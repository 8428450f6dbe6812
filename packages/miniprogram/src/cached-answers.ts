import type { Breakable } from './abortable.ts'
import { ApiError } from './api-error.ts'
import { cacheUse, mayKeep, type CacheTimes } from './cache-policy.ts'
import type { CacheStore, Kept } from './cache-store.ts'
import { SharedCalls } from './shared-calls.ts'
import type { TransportAnswer } from './transport.ts'

/** Where an answer comes from. `stale` was kept for longer than it is fresh. */
export type AnswerSource = 'network' | 'cache' | 'stale'

/** A complete answer with its way here. */
export interface Answered {
  readonly answer: TransportAnswer
  readonly channel: string
  readonly attempts: number
  readonly source: AnswerSource
}

/** Begins one call to the network. */
export type Ask = () => Breakable<Answered>

/** Errors that say nothing of what was asked for: an older answer is better than none of them. */
const unreachable: readonly string[] = ['network', 'timeout', 'no-channel', 'bad-answer', 'overloaded']

/** Answers GETs from what is kept, from a call that is under way already, or from the network. */
export class CachedAnswers {
  readonly #store: CacheStore
  readonly #wallNow: () => number
  readonly #calls: SharedCalls<Answered> = new SharedCalls()

  constructor(store: CacheStore, wallNow: () => number) {
    this.#store = store
    this.#wallNow = wallNow
  }

  /** `times` null: nothing is kept of it or looked for, but equal calls under way are one. */
  ask(key: string, times: CacheTimes | null, begin: Ask): Breakable<Answered> {
    if (times === null) {
      const { promise, leave } = this.#calls.join(key, begin)
      return { promise, abort: once(leave) }
    }
    // What was kept before this process is read meanwhile: the first call does not wait for storage.
    void this.#store.load()
    const kept = this.#store.get(key)
    const use = kept === undefined ? 'none' : cacheUse(this.#wallNow() - kept.at, times)
    if (kept !== undefined && use === 'fresh')
      return { promise: Promise.resolve(fromKept(kept, 'cache')), abort: nothing }
    const joined = this.#calls.join(key, () => this.#keeping(key, begin()))
    if (kept !== undefined && use === 'revalidate') {
      joined.promise.catch(nothing)
      return { promise: Promise.resolve(fromKept(kept, 'stale')), abort: nothing }
    }
    return {
      promise: joined.promise.catch((error: unknown) => this.#instead(key, times, error)),
      abort: once(joined.leave),
    }
  }

  #keeping(key: string, { promise, abort }: Breakable<Answered>): Breakable<Answered> {
    const kept = promise.then((answered) => {
      const { status, headers, body } = answered.answer
      if (typeof body === 'string' && mayKeep(status, headers))
        this.#store.put(key, { status, headers, body, at: this.#wallNow() })
      return answered
    })
    return { promise: kept, abort }
  }

  /** What is kept instead of the error; storage has had its time by now. */
  async #instead(key: string, times: CacheTimes, error: unknown): Promise<Answered> {
    const isOutage = error instanceof ApiError && (unreachable.includes(error.code) || error.status >= 500)
    if (!isOutage) throw error
    await this.#store.load()
    const kept = this.#store.get(key)
    if (kept === undefined || cacheUse(this.#wallNow() - kept.at, times) === 'none') throw error
    return fromKept(kept, 'stale')
  }
}

function fromKept({ status, headers, body }: Kept, source: AnswerSource): Answered {
  return { answer: { status, headers, body, native: undefined }, channel: '', attempts: 0, source }
}

function once(leave: () => void): () => void {
  let left = false
  return () => {
    if (left) return
    left = true
    leave()
  }
}

function nothing(): void {}
