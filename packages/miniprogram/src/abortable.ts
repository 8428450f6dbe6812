import { ApiError } from './api-error.ts'

/** Something under way that may be broken off. */
export interface Breakable<T> {
  readonly promise: Promise<T>
  abort(): void
}

/** What `abort` of one caller's promise does, at whatever stage its call is. */
export class Abortable {
  #aborted = false
  #break: () => void = nothing

  /** Begins unless it was broken off before, and rejects as soon as it is. */
  wait<T>(begin: () => Breakable<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(new ApiError('aborted', 'The call was aborted.'))
      if (this.#aborted) return aborted()
      const begun = begin()
      this.#break = () => {
        begun.abort()
        aborted()
      }
      begun.promise.then(resolve, reject)
    })
  }

  /** Waits for something that cannot be broken off, but no longer than until the caller wants it no more. */
  until<T>(wanted: T | Promise<T>): Promise<T> {
    return this.wait(() => ({ promise: Promise.resolve(wanted), abort: nothing }))
  }

  abort(): void {
    this.#aborted = true
    this.#break()
    this.#break = nothing
  }
}

function nothing(): void {}
