import { setTimeout as sleep } from 'node:timers/promises'
import type { CompareAndSetResult, CoordinationStore, Versioned } from '@budao/model'

/** Without an answer by then it is not waited for any longer. */
const storeTimeoutMs = 600

/** A refusal is told no sooner: who asks again at once, as a full disk answers at once, would leave no time for anything else. */
const refusalMs = 100

/** Whoever is away for less is not spoken of. */
const awayMs = 1_000

/** A store as the loops ask it: what fails or is late is a value. It also says whether the store is there. */
export class TimedStore {
  readonly store: CoordinationStore
  readonly #now: () => number
  #answeredAt: number | null = null
  readonly #told: (problem: string | null) => void
  #reachable = true
  /** Since when it has not answered, and whether that was told. */
  #awaySince: number | null = null
  #isTold = false

  /** `told`: it has not answered for a second, and why; null: it answers again. */
  constructor(
    store: CoordinationStore,
    now: () => number,
    told: (problem: string | null) => void = () => undefined,
  ) {
    this.store = store
    this.#now = now
    this.#told = told
  }

  get reachable(): boolean {
    return this.#reachable
  }

  /** Since its last answer; null: there was none. */
  answeredMs(): number | null {
    return this.#answeredAt === null ? null : this.#now() - this.#answeredAt
  }

  /** Undefined: it did not answer. */
  get(key: string, timeoutMs: number = storeTimeoutMs): Promise<Versioned | null | undefined> {
    return this.#within(this.store.get(key), timeoutMs, undefined)
  }

  /** Null: nobody knows whether it was stored. */
  compareAndSet(
    key: string,
    version: number,
    value: unknown,
    timeoutMs: number = storeTimeoutMs,
  ): Promise<CompareAndSetResult | null> {
    return this.#within(this.store.compareAndSet(key, version, value), timeoutMs, null)
  }

  async #within<T, U>(asked: Promise<T>, timeoutMs: number, otherwise: U): Promise<T | U> {
    const askedAt = this.#now()
    const { promise: late, resolve } = Promise.withResolvers<U>()
    const timer = setTimeout(() => resolve(otherwise), timeoutMs)
    timer.unref()
    try {
      const answer = await Promise.race([asked, late])
      if (answer === otherwise) this.#away(`no answer within ${timeoutMs} ms`)
      else this.#answered()
      return answer
    } catch (error) {
      this.#away((error as Error).message)
      await sleep(Math.max(0, refusalMs - (this.#now() - askedAt)), undefined, { ref: false })
      return otherwise
    } finally {
      clearTimeout(timer)
    }
  }

  #answered(): void {
    this.#reachable = true
    this.#answeredAt = this.#now()
    this.#awaySince = null
    if (!this.#isTold) return
    this.#isTold = false
    this.#told(null)
  }

  #away(problem: string): void {
    this.#reachable = false
    this.#awaySince ??= this.#now()
    if (this.#isTold || this.#now() - this.#awaySince < awayMs) return
    this.#isTold = true
    this.#told(problem)
  }
}
