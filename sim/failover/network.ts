import type { SeededDraws } from '../../packages/testkit/src/random.ts'
import type { Timeline } from '../timeline.ts'
import type { SimProcess } from './sim-process.ts'

/** What became of a request. */
export type Reply<T> = { readonly value: T } | 'refused' | 'timeout'

interface Link {
  blocked: number
  refused: number
  extraMs: number
  lossPercent: number
}

/** Where people are: outside of every site. */
export const outside = 'clients'

/**
 * Links between failure domains, each direction on its own. Connections are TCP: a lost packet is sent again after
 * 200 ms, then 400; nothing arrives twice. A machine without power answers nothing; one whose process is dead refuses.
 */
export class Network {
  readonly #timeline: Timeline
  readonly #draws: SeededDraws
  readonly #links = new Map<string, Link>()
  readonly #dark = new Set<string>()
  readonly #baseMs: number
  readonly #lossPercent: number

  constructor(timeline: Timeline, draws: SeededDraws, baseMs: number, lossPercent: number) {
    this.#timeline = timeline
    this.#draws = draws
    this.#baseMs = baseMs
    this.#lossPercent = lossPercent
  }

  link(from: string, to: string): Link {
    const key = `${from}>${to}`
    let link = this.#links.get(key)
    if (link === undefined) {
      link = { blocked: 0, refused: 0, extraMs: 0, lossPercent: 0 }
      this.#links.set(key, link)
    }
    return link
  }

  power(domain: string, on: boolean): void {
    if (on) this.#dark.delete(domain)
    else this.#dark.add(domain)
  }

  powered(domain: string): boolean {
    return !this.#dark.has(domain)
  }

  /** Both directions carry something. */
  connected(a: string, b: string): boolean {
    if (!this.powered(a) || !this.powered(b)) return false
    if (a === b) return true
    const [there, back] = [this.link(a, b), this.link(b, a)]
    return there.blocked + there.refused + back.blocked + back.refused === 0
  }

  /** How long something takes one way; -1: it never arrives. */
  delayMs(from: string, to: string): number {
    const draws = this.#draws
    if (from === to) return this.powered(from) ? 0.1 + draws.next() * 0.4 : -1
    if (!this.powered(from) || !this.powered(to)) return -1
    const link = this.link(from, to)
    if (link.blocked > 0) return -1
    let ms = this.#baseMs * (0.8 + draws.next() * 0.4) + link.extraMs * draws.next()
    const loss = (this.#lossPercent + link.lossPercent) / 100
    if (loss === 0) return ms
    for (let again = 200; draws.next() < loss && again <= 1600; again *= 2) ms += again
    return ms
  }

  send(from: SimProcess, to: SimProcess, run: () => void): void {
    const ms = this.delayMs(from.domain, to.domain)
    if (ms < 0 || this.link(from.domain, to.domain).refused > 0) return
    const { starts } = to
    this.#timeline.after(ms, () => {
      if (to.starts === starts && this.powered(to.domain)) to.reach(run)
    })
  }

  /** A request with its answer; `handle` runs in the other process and may answer later. */
  request<T>(
    from: SimProcess,
    to: SimProcess,
    handle: (answer: (value: T) => void) => void,
    timeoutMs: number,
    done: (reply: Reply<T>) => void,
  ): void {
    let over = false
    const { starts } = from
    const end = (reply: Reply<T>): void => {
      if (over) return
      over = true
      if (from.alive && from.starts === starts) from.reach(() => done(reply))
    }
    from.after(timeoutMs, () => {
      if (over) return
      over = true
      done('timeout')
    })
    const back = (reply: Reply<T>): void => {
      const ms = this.delayMs(to.domain, from.domain)
      if (ms >= 0) this.#timeline.after(ms, () => end(reply))
    }
    const ms = this.delayMs(from.domain, to.domain)
    if (ms < 0) return
    if (this.link(from.domain, to.domain).refused > 0) return this.#timeline.after(1, () => end('refused'))
    this.#timeline.after(ms, () => {
      if (!this.powered(to.domain)) return
      if (!to.alive) back('refused')
      else to.reach(() => handle((value) => back({ value })))
    })
  }
}
