import type { Config, Placement, SiteVerdict, Versioned } from '@budao/model'
import { spreadPlacement } from '../failover/units.ts'
import type { TimedStore } from './timed-store.ts'

const prefix = 'spread/'
const publishMs = 500

/** What it has to do with. */
export interface SpreadWorld {
  readonly store: TimedStore
  verdicts(service: string): readonly SiteVerdict[]
  /** The leadership; null while another one leads. */
  term(): number | null
  publish(placement: Placement, timeoutMs: number): Promise<void>
}

/**
 * Services that nobody owns, because all sites write: who serves them follows the verdicts. What was published last stands
 * in the store, so that the next leader’s number is a higher one.
 */
export class SpreadServices {
  readonly #world: SpreadWorld
  readonly #records: Map<string, Versioned<Placement> | null> = new Map()
  readonly #busy: Set<string> = new Set()
  readonly #published: Map<string, string> = new Map()
  #services: ReadonlyMap<string, readonly string[]> = new Map()
  #drained: readonly string[] = []

  constructor(config: Pick<Config, 'services' | 'sites'>, world: SpreadWorld) {
    this.#world = world
    this.apply(config)
  }

  apply({ services, sites }: Pick<Config, 'services' | 'sites'>): void {
    this.#services = new Map(
      Object.entries(services)
        .filter(([, { failover, mode }]) => failover !== undefined && mode === 'active-active')
        .map(([service, { endpoints }]) => [
          service,
          Object.keys(sites).filter((site) => endpoints.some((endpoint) => endpoint.site === site)),
        ]),
    )
  }

  drained(sites: readonly string[]): void {
    this.#drained = sites
    this.look()
  }

  /** Whether the record is one of these. */
  seen(key: string, record: Versioned): boolean {
    if (!key.startsWith(prefix)) return false
    this.#see(key.slice(prefix.length), record as Versioned<Placement>)
    return true
  }

  /** Looks whether a placement is to be another one; only who leads changes it. */
  look(): void {
    if (this.#world.term() === null) return
    for (const service of this.#services.keys()) void this.#place(service)
  }

  async #place(service: string): Promise<void> {
    if (this.#busy.has(service)) return
    this.#busy.add(service)
    try {
      await this.#bring(service)
    } finally {
      this.#busy.delete(service)
    }
  }

  async #bring(service: string): Promise<void> {
    const { store, verdicts, term, publish } = this.#world
    const key = prefix + service
    if (!this.#records.has(service)) {
      const found = await store.get(key)
      if (found === undefined) return
      if (found === null) this.#records.set(service, null)
      else this.#see(service, found as Versioned<Placement>)
    }
    const record = this.#records.get(service) ?? null
    const before = record?.value ?? null
    const sites = this.#services.get(service) ?? []
    const next = spreadPlacement(service, before, sites, verdicts(service), this.#drained)
    if (next !== before) {
      const stored = await store.compareAndSet(key, record?.version ?? 0, next)
      if (stored === null || !stored.ok) {
        this.#records.delete(service)
        return
      }
      this.#see(service, stored.current as Versioned<Placement>)
    }
    const published = `${term()} ${next.epoch}`
    if (this.#published.get(service) === published) return
    this.#published.set(service, published)
    await publish(next, publishMs)
  }

  #see(service: string, record: Versioned<Placement>): void {
    const before = this.#records.get(service)
    if (before === undefined || before === null || record.version > before.version)
      this.#records.set(service, record)
  }
}
