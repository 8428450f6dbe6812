import type { SitePaceCount, SiteTrafficCount } from './site-evidence.ts'
import type { Service } from './service.ts'

/** What is left of a site’s weight at a service. */
export interface SiteShare {
  readonly service: string
  readonly site: string
  /** 1 to 100. */
  readonly keptPercent: number
}

/**
 * The sites of services that observers watch, as this gateway sees and obeys: what real requests say of them, and what those
 * that are slow keep of their weight. Without observers nobody asks, and every site keeps all of it.
 */
export class WatchedSites {
  #services: ReadonlyMap<string, Service> = new Map()
  #shares: readonly SiteShare[] = []

  /** These services are in force; endpoints may have come. */
  use(services: ReadonlyMap<string, Service>): void {
    this.#services = services
    this.#obey()
  }

  /** What became of real requests since this was last asked; sites without any are left out. */
  traffic(): readonly SiteTrafficCount[] {
    return [...this.#services.values()].flatMap(({ evidence }) => evidence?.takeCounts() ?? [])
  }

  /** How fast sites of a service answered since this was last asked; as `SiteEvidence.takePaces`. */
  paces(service: string, all: boolean): readonly SitePaceCount[] {
    return this.#services.get(service)?.evidence?.takePaces(all) ?? []
  }

  /** The shares of now, in place of those before: all other sites keep everything. */
  keep(shares: readonly SiteShare[]): void {
    this.#shares = shares
    this.#obey()
  }

  #obey(): void {
    for (const { name, set, endpoints } of this.#services.values()) {
      const own = this.#shares.filter(({ service }) => service === name)
      for (const [index, { site }] of endpoints.entries())
        set.setKept(index, own.find((share) => share.site === site)?.keptPercent ?? 100)
    }
  }
}
