import type { CompareAndSetResult, Versioned } from '@budao/model'
import type { SeededDraws } from '../../packages/testkit/src/random.ts'
import type { Timeline } from '../timeline.ts'
import type { Network } from './network.ts'
import type { SimProcess } from './sim-process.ts'

/**
 * The coordination store: linearizable, spread over all domains. Whoever is connected with one domain besides its own
 * reaches the majority. An answer may be lost after the change was made.
 */
export class SimStore {
  down = 0
  readonly #timeline: Timeline
  readonly #draws: SeededDraws
  readonly #network: Network
  readonly #domains: readonly string[]
  readonly #records = new Map<string, Versioned>()
  readonly #watchers: { process: SimProcess; told: (key: string, record: Versioned) => void }[] = []
  #revision = 0

  constructor(timeline: Timeline, draws: SeededDraws, network: Network, domains: readonly string[]) {
    this.#timeline = timeline
    this.#draws = draws
    this.#network = network
    this.#domains = domains
  }

  /** For checkers: what stands there, at this very moment. */
  peek(key: string): Versioned | null {
    return this.#records.get(key) ?? null
  }

  /** Whether a domain reaches the majority now. */
  reachable(from: string): boolean {
    if (this.down > 0 || !this.#network.powered(from)) return false
    return this.#domains.some((each) => each !== from && this.#network.connected(from, each))
  }

  /** `undefined`: no answer. */
  get(
    from: SimProcess,
    key: string,
    timeoutMs: number,
    done: (record: Versioned | null | undefined) => void,
  ): void {
    this.#ask(from, timeoutMs, () => this.peek(key), done)
  }

  /** `null`: nobody knows. */
  compareAndSet(
    from: SimProcess,
    key: string,
    version: number,
    value: unknown,
    timeoutMs: number,
    done: (result: CompareAndSetResult | null) => void,
  ): void {
    this.#ask(
      from,
      timeoutMs,
      (): CompareAndSetResult => {
        const before = this.peek(key)
        if ((before?.version ?? 0) !== version) return { ok: false, current: before }
        const current = { version: ++this.#revision, value }
        this.#records.set(key, current)
        this.#tell(key, current)
        return { ok: true, current }
      },
      (result) => done(result ?? null),
    )
  }

  watch(process: SimProcess, told: (key: string, record: Versioned) => void): void {
    const before = this.#watchers.findIndex((watcher) => watcher.process === process)
    this.#watchers.splice(before === -1 ? this.#watchers.length : before, 1, { process, told })
  }

  #tell(key: string, record: Versioned): void {
    for (const { process, told } of this.#watchers) {
      if (!process.alive || !this.reachable(process.domain)) continue
      const { starts } = process
      this.#timeline.after(this.#oneWayMs(process.domain), () => {
        if (process.starts === starts && this.reachable(process.domain))
          process.reach(() => told(key, record))
      })
    }
  }

  #ask<T>(from: SimProcess, timeoutMs: number, apply: () => T, done: (value: T | undefined) => void): void {
    let over = false
    const { starts } = from
    from.after(timeoutMs, () => {
      if (over) return
      over = true
      done(undefined)
    })
    if (!this.reachable(from.domain)) return
    this.#timeline.after(this.#oneWayMs(from.domain), () => {
      if (!this.reachable(from.domain)) return
      const value = apply()
      this.#timeline.after(this.#oneWayMs(from.domain), () => {
        if (over || !this.reachable(from.domain)) return
        over = true
        if (from.alive && from.starts === starts) from.reach(() => done(value))
      })
    })
  }

  /** To the nearest of the others that it reaches, and what the store itself needs. */
  #oneWayMs(domain: string): number {
    let best = Infinity
    for (const each of this.#domains) {
      if (each === domain || !this.#network.connected(domain, each)) continue
      const ms = this.#network.delayMs(domain, each)
      if (ms >= 0 && ms < best) best = ms
    }
    return best === Infinity ? 1e9 : best + this.#draws.next() * 2
  }
}
