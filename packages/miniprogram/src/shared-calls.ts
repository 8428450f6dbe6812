import type { Breakable } from './abortable.ts'

/** One call that several callers wait for, and each may leave. */
interface Shared<T> {
  readonly promise: Promise<T>
  readonly abort: () => void
  callers: number
}

/** What one of the callers holds. */
export interface Joined<T> {
  readonly promise: Promise<T>
  /** The caller waits no longer; the call ends with the last of them. Once only. */
  leave(): void
}

/** Equal calls under way at the same time are one. */
export class SharedCalls<T> {
  readonly #shared: Map<string, Shared<T>> = new Map()

  /** Joins the call under way for `key`, or begins it. */
  join(key: string, begin: () => Breakable<T>): Joined<T> {
    let shared = this.#shared.get(key)
    if (shared === undefined) {
      const begun = begin()
      const end = (): void => void (this.#shared.get(key) === made && this.#shared.delete(key))
      const made: Shared<T> = { promise: begun.promise, abort: () => begun.abort(), callers: 0 }
      shared = made
      this.#shared.set(key, made)
      begun.promise.then(end, end)
    }
    const joined = shared
    joined.callers++
    return {
      promise: joined.promise,
      leave: () => {
        if (--joined.callers > 0) return
        // Whoever comes now must not get what is being broken off.
        if (this.#shared.get(key) === joined) this.#shared.delete(key)
        joined.abort()
      },
    }
  }
}
