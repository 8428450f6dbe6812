/** What a call to something remote told about whether it is there; undefined when that has not changed. */
export type PresenceChange = 'away' | 'back' | undefined

/**
 * Whether a server that one can do without is there. It counts as away after so many failures in a row, or at once
 * when its connection breaks, and is not asked then: who depends on it takes the other way without waiting. Somebody
 * looks for it meanwhile, and the first answer brings it back. Starts away: it has not answered yet.
 */
export class Presence {
  readonly #failuresMax: number
  #failures = 0
  #here = false

  /** Throws a RangeError when `failuresMax` is not at least 1. */
  constructor(failuresMax: number) {
    if (!(failuresMax >= 1)) throw new RangeError(`failuresMax: expected at least 1, got ${failuresMax}`)
    this.#failuresMax = failuresMax
  }

  get here(): boolean {
    return this.#here
  }

  answered(): PresenceChange {
    this.#failures = 0
    if (this.#here) return undefined
    this.#here = true
    return 'back'
  }

  failed(): PresenceChange {
    if (!this.#here || ++this.#failures < this.#failuresMax) return undefined
    return this.lost()
  }

  /** It is gone for certain. */
  lost(): PresenceChange {
    if (!this.#here) return undefined
    this.#here = false
    this.#failures = 0
    return 'away'
  }
}
