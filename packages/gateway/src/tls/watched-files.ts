import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * same       nothing has changed, or nothing new is to be said
 * changed    `value` is new
 * unsettled  what is there cannot be used, and was not there at the last look: half of a pair may be still to come
 */
export type PollResult = 'same' | 'changed' | 'unsettled' | Error

/** Files that only make sense together, such as a certificate and its key, and what they held when they last did. */
export class WatchedFiles<T> {
  readonly names: readonly string[]
  value: T
  readonly #paths: readonly string[]
  readonly #parse: (texts: readonly string[]) => T
  #goodMark: string
  #badMark = ''
  #told = false

  /** Throws when they cannot be read or `parse` throws; the message names the files. */
  constructor(names: readonly string[], baseDir: string, parse: (texts: readonly string[]) => T) {
    this.names = names
    this.#paths = names.map((name) => resolve(baseDir, name))
    this.#parse = parse
    this.#goodMark = this.#mark()
    this.value = this.#read()
  }

  /** Looks again. An error is told once for each state of the files; the value stays the last good one. */
  poll(): PollResult {
    const mark = this.#mark()
    if (mark === this.#goodMark) return 'same'
    if (mark === this.#badMark && this.#told) return 'same'
    try {
      this.value = this.#read()
      this.#goodMark = mark
      this.#badMark = ''
      return 'changed'
    } catch (error) {
      const settled = mark === this.#badMark
      this.#badMark = mark
      this.#told = settled
      return settled ? (error as Error) : 'unsettled'
    }
  }

  #read(): T {
    try {
      return this.#parse(this.#paths.map((path) => readFileSync(path, 'utf8')))
    } catch (cause) {
      const what = (cause as Error).message
      throw new Error(`${this.names.join(' and ')} cannot be used: ${what}`, { cause })
    }
  }

  /** What tells one state of the files from another. A file replaced by renaming has another number. */
  #mark(): string {
    return this.#paths
      .map((path) => {
        const stat = statSync(path, { throwIfNoEntry: false })
        return stat === undefined ? 'none' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`
      })
      .join(', ')
  }
}
