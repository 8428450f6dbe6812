import type { Breakable } from './abortable.ts'

/** One call that several callers wait for, and each may leave. */
interface Shared<T> extends Breakable<T> {
  callers: number
}

/** Equal calls under way at the same time are one. */
export class SharedCalls<T> {
  readonly #shared: Map<string, Shared<T>> = new Map()

  /** Joins the call under way for `key`, or begins it. One that aborts only leaves: the call ends with the last of them. */
  join(key: string, begin: () => Breakable<T>): Breakable<T> {
    const found = this.#shared.get(key)
    const shared: Shared<T> = found ?? Object.assign(begin(), { callers: 0 })
    // Whoever comes when it is over, or being broken off, must not get it.
    const end = (): void => {
      if (this.#shared.get(key) === shared) this.#shared.delete(key)
    }
    if (found === undefined) {
      this.#shared.set(key, shared)
      shared.promise.then(end, end)
    }
    shared.callers++
    let left = false
    return {
      promise: shared.promise,
      abort: () => {
        if (left) return
        left = true
        if (--shared.callers > 0) return
        end()
        shared.abort()
      },
    }
  }
}
