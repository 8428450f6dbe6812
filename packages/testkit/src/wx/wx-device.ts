import type { Random } from '@budao/resilience'

export type WxNetworkType = 'wifi' | '5g' | '4g' | '3g' | '2g' | 'none'

type Listener = (state: object) => void

/** Who in the mini program wants to be told of what. One set a process. */
export class WxListeners {
  readonly #listeners: Map<string, Set<Listener>> = new Map()

  on(event: string, listener: Listener): void {
    const all = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, all.add(listener))
  }

  off(event: string, listener?: Listener): void {
    if (listener === undefined) this.#listeners.delete(event)
    else this.#listeners.get(event)?.delete(listener)
  }

  of(event: string): readonly Listener[] {
    return [...(this.#listeners.get(event) ?? [])]
  }
}

/** Codes of `wx.login`, and the platform's server that takes each once. Login codes last five minutes. */
export class WxLogins {
  readonly #codes: Map<string, number> = new Map()
  readonly #random: Random
  #issued = 0

  constructor(random: Random) {
    this.#random = random
  }

  get issued(): number {
    return this.#issued
  }

  issue(now: number): string {
    const code = `0${Math.floor(this.#random.next() * 2 ** 52).toString(36)}${this.#issued++}`
    this.#codes.set(code, now + 300_000)
    return code
  }

  /** Whether the code is good; it never is again. */
  use(code: string, now: number): boolean {
    const until = this.#codes.get(code)
    this.#codes.delete(code)
    return until !== undefined && now < until
  }
}
