import { setTimeout as sleep } from 'node:timers/promises'
import type { CompareAndSetResult, CoordinationStore, Versioned } from '@budao/model'

/** Without an answer by then it is not waited for any longer. */
const storeTimeoutMs = 600

/** A refusal is told no sooner: who asks again at once, as a full disk answers at once, would leave no time for anything else. */
const refusalMs = 100

/** A store as the loops ask it: what fails or is late is a value. It also says whether the store is there. */
export class TimedStore {
  readonly store: CoordinationStore
  readonly #now: () => number
  #answeredAt: number | null = null
  #reachable = true

  constructor(store: CoordinationStore, now: () => number) {
    this.store = store
    this.#now = now
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
      this.#reachable = answer !== otherwise
      if (this.#reachable) this.#answeredAt = this.#now()
      return answer
    } catch {
      this.#reachable = false
      await sleep(Math.max(0, refusalMs - (this.#now() - askedAt)), undefined, { ref: false })
      return otherwise
    } finally {
      clearTimeout(timer)
    }
  }
}
