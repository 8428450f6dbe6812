import { isDeepStrictEqual } from 'node:util'
import type { DnsConfig, EventDraft, NameReport } from '@budao/model'
import type { Clock, Random } from '@budao/resilience'
import { ResolveError, resolveName, type Resolution, type ResolvedAddress } from './resolve-name.ts'

/** What resolved names need of their surroundings. */
export interface ResolvedNamesOptions {
  readonly clock: Clock
  readonly random: Random
  report(event: EventDraft): void
  /** Some name stands for other addresses than before. */
  onChange(): void
}

/** How often resolutions ended how, since the start. */
export interface ResolutionCounts {
  readonly name: string
  readonly answered: number
  readonly failed: number
}

interface Entry {
  readonly name: string
  addresses: readonly ResolvedAddress[]
  /** Monotonic milliseconds of the last good answer; null before the first one of this process. */
  answeredAt: number | null
  /** Why the last resolution failed; empty when it did not. */
  problem: string
  /** In a row. */
  failures: number
  counts: { answered: number; failed: number }
  timer: NodeJS.Timeout | undefined
  /** Settles with the resolution under way; null between two. */
  asking: Promise<void> | null
}

/**
 * What the names of the configuration stand for. Each is asked again when its time to live is over, within the bounds of the
 * configuration. A failure, whatever kind, leaves the last good answer as it is: names fail far more often than all the
 * machines behind them vanish at once.
 */
export class ResolvedNames {
  readonly #options: ResolvedNamesOptions
  readonly #entries: Map<string, Entry> = new Map()
  /** Answers of an earlier process, until this one has its own. */
  #restored: ReadonlyMap<string, readonly ResolvedAddress[]> = new Map()
  #config: DnsConfig | null = null
  #closed = false

  constructor(options: ResolvedNamesOptions) {
    this.#options = options
  }

  /** Hands in what `addresses` of an earlier process were. Before the first `watch`. */
  restore(addresses: ReadonlyMap<string, readonly ResolvedAddress[]>): void {
    this.#restored = addresses
  }

  /**
   * Watches these names as well. Resolves once each has an answer or has failed for the first time, so that nobody
   * begins with endpoints that only a moment's patience would have found.
   */
  async watch(names: ReadonlySet<string>, config: DnsConfig): Promise<void> {
    if (this.#config !== null && !isDeepStrictEqual(config, this.#config)) this.#askAllAgain()
    this.#config = config
    for (const name of names) if (!this.#entries.has(name)) this.#add(name)
    const waiting = [...names]
      .map((name) => this.#entries.get(name)!)
      .filter(({ addresses }) => addresses.length === 0)
    await Promise.all(waiting.map(async ({ asking }) => asking))
  }

  /** Forgets all names but these. */
  keep(names: ReadonlySet<string>): void {
    for (const [name, { timer }] of this.#entries) {
      if (names.has(name)) continue
      clearTimeout(timer)
      this.#entries.delete(name)
    }
  }

  /** What a name stands for; empty while it has never been answered. */
  addresses(name: string): readonly ResolvedAddress[] {
    return this.#entries.get(name)?.addresses ?? []
  }

  /** The last good answers, for a later process. */
  all(): Map<string, readonly ResolvedAddress[]> {
    const known = [...this.#entries.values()].filter(({ addresses }) => addresses.length > 0)
    return new Map(known.map(({ name, addresses }) => [name, addresses]))
  }

  reports(): NameReport[] {
    const now = this.#options.clock.now()
    return [...this.#entries.values()].map(({ name, addresses, answeredAt, problem }) => ({
      name,
      state: problem === '' && answeredAt !== null ? 'fresh' : addresses.length > 0 ? 'stale' : 'failed',
      addresses: addresses.length,
      ageMs: answeredAt === null ? null : Math.round(now - answeredAt),
      problem,
    }))
  }

  counts(): ResolutionCounts[] {
    return [...this.#entries.values()].map(({ name, counts }) => ({ name, ...counts }))
  }

  close(): void {
    this.#closed = true
    this.keep(new Set())
  }

  #add(name: string): void {
    const entry: Entry = {
      name,
      addresses: this.#restored.get(name) ?? [],
      answeredAt: null,
      problem: '',
      failures: 0,
      counts: { answered: 0, failed: 0 },
      timer: undefined,
      asking: null,
    }
    this.#entries.set(name, entry)
    this.#ask(entry)
  }

  #ask(entry: Entry): void {
    clearTimeout(entry.timer)
    entry.asking = this.#resolve(entry).finally(() => (entry.asking = null))
  }

  #askAllAgain(): void {
    for (const entry of this.#entries.values()) if (entry.asking === null) this.#ask(entry)
  }

  async #resolve(entry: Entry): Promise<void> {
    const config = this.#config!
    let waitMs: number
    try {
      waitMs = this.#onAnswer(entry, await resolveName(entry.name, config))
    } catch (error) {
      waitMs = this.#onFailure(entry, error)
    }
    if (this.#closed || this.#entries.get(entry.name) !== entry) return
    const { ttlMin, ttlMax } = this.#config!
    entry.timer = setTimeout(() => this.#ask(entry), Math.max(ttlMin, Math.min(ttlMax, waitMs)))
    entry.timer.unref()
  }

  #onAnswer(entry: Entry, { addresses, ttlMs }: Resolution): number {
    const recovered = entry.problem !== ''
    entry.counts.answered++
    entry.problem = ''
    entry.failures = 0
    entry.answeredAt = this.#options.clock.now()
    if (recovered) {
      this.#options.report({
        kind: 'dns.recovered',
        severity: 'info',
        subject: entry.name,
        message: `The name ${entry.name} is resolved again.`,
        evidence: { addresses: addresses.length },
      })
    }
    if (!isDeepStrictEqual(addresses, entry.addresses)) {
      entry.addresses = addresses
      this.#options.onChange()
    }
    return ttlMs
  }

  /** Asked again soon at first, then less and less often: servers in trouble are not helped by being asked. */
  #onFailure(entry: Entry, error: unknown): number {
    const first = entry.problem === ''
    entry.counts.failed++
    entry.failures++
    entry.problem = error instanceof ResolveError ? error.message : String(error)
    if (first && !this.#closed && this.#entries.get(entry.name) === entry) {
      const kept = entry.addresses.length
      this.#options.report({
        kind: 'dns.failed',
        severity: kept > 0 ? 'warning' : 'critical',
        subject: entry.name,
        message:
          kept > 0
            ? `The name ${entry.name} cannot be resolved: ${entry.problem}. Its last good addresses stay.`
            : `The name ${entry.name} cannot be resolved: ${entry.problem}. It has no addresses yet.`,
        evidence: { problem: entry.problem, kept },
      })
    }
    const { ttlMin } = this.#config!
    return ttlMin * 2 ** Math.min(entry.failures - 1, 20) * (0.75 + this.#options.random.next() / 2)
  }
}
