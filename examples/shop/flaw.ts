import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * What is wrong with a release, for who wants to see it go back.
 *
 * good      nothing
 * errors    of ten requests three are answered 503
 * slow      of ten answers six come 400 ms late
 * crashing  the process ends at every fifth request
 * subtle    of a hundred requests six are answered 503: nobody would notice by looking
 */
export const flaws = ['good', 'errors', 'slow', 'crashing', 'subtle'] as const

export type Flaw = (typeof flaws)[number]

/** What a flaw makes of one request. */
export type Spoiled = 'well' | 'error' | 'late' | 'crash'

const lateMs = 400

/** `nth`: of the requests since the process began, from 1. `chance`: from 0 to 1. */
export function spoil(flaw: Flaw, nth: number, chance: number): Spoiled {
  switch (flaw) {
    case 'good':
      return 'well'
    case 'errors':
      return chance < 0.3 ? 'error' : 'well'
    case 'slow':
      return chance < 0.6 ? 'late' : 'well'
    case 'crashing':
      return nth % 5 === 0 ? 'crash' : 'well'
    case 'subtle':
      return chance < 0.06 ? 'error' : 'well'
  }
}

/** The flaw of a release's process: in a file, so that it has it again when it was started again. */
export class Flawed {
  readonly #file: string
  #flaw: Flaw
  #requests = 0

  constructor(file: string) {
    this.#file = file
    const kept = existsSync(file) ? readFileSync(file, 'utf8') : ''
    this.#flaw = flaws.find((each) => each === kept) ?? 'good'
  }

  get flaw(): Flaw {
    return this.#flaw
  }

  /** False: there is no such flaw. */
  become(text: string): boolean {
    const flaw = flaws.find((each) => each === text.trim())
    if (flaw === undefined) return false
    writeFileSync(this.#file, flaw)
    this.#flaw = flaw
    return true
  }

  /** Resolves when the request is to be answered, to whether it is answered with an error. */
  async meet(): Promise<boolean> {
    switch (spoil(this.#flaw, ++this.#requests, Math.random())) {
      case 'well':
        return false
      case 'error':
        return true
      case 'late':
        return new Promise((resolve) => setTimeout(resolve, lateMs, false))
      case 'crash':
        console.error('the release crashes, as it was told to')
        process.exit(1)
    }
  }
}
