import type { Breakable } from './abortable.ts'
import { ApiError } from './api-error.ts'
import { cacheUse, mayKeep, type CacheTimes } from './cache-policy.ts'
import type { CacheStore, Kept } from './cache-store.ts'
import type { Answered, AnswerSource } from './call.ts'
import { SharedCalls } from './shared-calls.ts'

/** Begins one call to the network. */
export type Ask = () => Breakable<Answered>

/** Errors that say nothing of what was asked for: an older answer is better than none of them. */
const unreachable = /^(network|timeout|no-channel|bad-answer|overloaded)$/

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
    // One user's call under way is not another's.
    const lane = `${this.#store.user} ${key}`
    if (times === null) return this.#calls.join(lane, begin)
    // What was kept before this process is read meanwhile: the first call does not wait for storage.
    void this.#store.load()
    const kept = this.#store.get(key)
    const use = kept === undefined ? 'none' : cacheUse(this.#wallNow() - kept.at, times)
    if (kept !== undefined && use === 'fresh') return given(kept, 'cache')
    const { promise, abort } = this.#calls.join(lane, () => this.#keeping(key, begin()))
    if (kept !== undefined && use === 'revalidate') {
      promise.catch(() => {})
      return given(kept, 'stale')
    }
    return {
      promise: promise.then(
        async (answered) => (answered.answer.status >= 500 && (await this.#instead(key, times))) || answered,
        async (error: unknown) => {
          const isOutage = error instanceof ApiError && unreachable.test(error.code)
          const instead = isOutage ? await this.#instead(key, times) : undefined
          if (instead === undefined) throw error
          return instead
        },
      ),
      abort,
    }
  }

  #keeping(key: string, { promise, abort }: Breakable<Answered>): Breakable<Answered> {
    const { user } = this.#store
    const kept = promise.then((answered) => {
      const { status, headers, body } = answered.answer
      // What the platform has kept is old by its own count already.
      if (
        answered.source === 'network' &&
        user === this.#store.user &&
        typeof body === 'string' &&
        mayKeep(status, headers)
      )
        this.#store.put(key, { status, headers, body, at: this.#wallNow() })
      return answered
    })
    return { promise: kept, abort }
  }

  /** What is kept for the time when no server can be had; storage has had its time by now. */
  async #instead(key: string, times: CacheTimes): Promise<Answered | undefined> {
    const { user } = this.#store
    await this.#store.load()
    const kept = user === this.#store.user ? this.#store.get(key) : undefined
    return kept !== undefined && cacheUse(this.#wallNow() - kept.at, times) !== 'none'
      ? fromKept(kept, 'stale')
      : undefined
  }
}

function given(kept: Kept, source: AnswerSource): Breakable<Answered> {
  return { promise: Promise.resolve(fromKept(kept, source)), abort: () => {} }
}

function fromKept({ status, headers, body }: Kept, source: AnswerSource): Answered {
  const answer = { status, headers, body, native: undefined }
  return { answer, channel: '', attempts: 0, queueMs: 0, source }
}
