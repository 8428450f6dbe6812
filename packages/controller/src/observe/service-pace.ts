import type { SlowEvidence, TrafficPace } from '@budao/model'
import { paceEveryMs, SlowSites, type SitePace, type SlownessOptions } from '@budao/resilience'
import type { SiteWatch } from './site-watch.ts'

/** A question that takes longer is the other detectors’ matter. */
const askedMs = 2_000
/** Requests too few to say anything are forgotten after so long: they are of another time. */
const keptMs = 30_000

/** How fast one site has answered real requests of one gateway. */
export interface SeenPace extends TrafficPace {
  readonly site: string
}

/** What somebody says of a site’s pace. */
export interface ToldPace {
  /** What it would be lost with; a site’s own gateway has no network between. */
  readonly domain: string
  readonly traffic: TrafficPace
}

/** What a service’s pace is known from. */
export interface ServicePaceWorld {
  /** What this observer would be lost with. */
  readonly domain: string
  /** Real requests of this process since the last look; `all`: those that were too few are forgotten. */
  paces(service: string, all: boolean): readonly SeenPace[]
  /** What the others say that are well. */
  readonly told: (service: string, site: string) => readonly ToldPace[]
}

/**
 * How fast the sites of one service answer, from here: every endpoint is asked once a look and timed, gateways tell what
 * their requests took, and the sites are held against one another. The round trip to a site is not its fault, and left out.
 */
export class ServicePace {
  readonly service: string
  readonly #watches: readonly SiteWatch[]
  readonly #world: ServicePaceWorld
  readonly #sites: SlowSites
  readonly #everyMs: number
  #nextAt: number
  #forgetAt: number
  #seen: ReadonlyMap<string, TrafficPace> = new Map()
  readonly #probed: Map<string, number> = new Map()

  constructor(
    service: string,
    watches: readonly SiteWatch[],
    options: SlownessOptions,
    world: ServicePaceWorld,
    now: number,
  ) {
    this.service = service
    this.#watches = watches
    this.#world = world
    this.#sites = new SlowSites(
      watches.map(({ site }) => site),
      options,
    )
    this.#everyMs = paceEveryMs(options.holdMs)
    this.#nextAt = now + this.#everyMs
    this.#forgetAt = now + keptMs
  }

  /** Looks when it is time; says whether other sites are slow than before. */
  step(now: number, abstains: boolean): boolean {
    if (now < this.#nextAt) return false
    this.#nextAt = now + this.#everyMs
    const before = this.#slowSites
    // Who is not well itself measures itself.
    if (abstains) this.skip(now)
    else this.#look(now)
    for (const watch of this.#watches) void this.#ask(watch)
    return this.#slowSites !== before
  }

  /** The observer was away. */
  skip(now: number): void {
    this.#sites.skip(now)
    this.#world.paces(this.service, true)
    this.#seen = new Map()
    this.#probed.clear()
    this.#nextAt = now + this.#everyMs
  }

  /** Why a site is slow; null: it is not. */
  slow(site: string): SlowEvidence | null {
    return this.#sites.evidence(site)
  }

  /** What this process’s own requests to a site took, for others to compare; null: too few. */
  traffic(site: string): TrafficPace | null {
    return this.#seen.get(site) ?? null
  }

  get #slowSites(): string {
    return this.#watches
      .map(({ site }) => site)
      .filter((site) => this.#sites.isSlow(site))
      .join(' ')
  }

  #look(now: number): void {
    const all = now >= this.#forgetAt
    if (all) this.#forgetAt = now + keptMs
    const networkMs = new Map(this.#watches.map((watch) => [watch.site, watch.takeRoundTripMs()]))
    const without = (site: string, ms: number): number => Math.max(0, ms - (networkMs.get(site) ?? 0))
    this.#seen = new Map(
      this.#world
        .paces(this.service, all)
        .map(({ site, requests, ms }) => [site, { requests, ms: without(site, ms) }]),
    )
    const paces = new Map<string, SitePace>()
    for (const { site, state } of this.#watches) {
      // What is silent or refuses is no measure of anything.
      if (state !== 'up') continue
      const probed = this.#probed.get(site)
      paces.set(site, {
        traffic: this.#trafficMs(site),
        probes: probed === undefined ? null : without(site, probed),
      })
    }
    this.#probed.clear()
    this.#sites.observe(paces, now)
  }

  /** Of all that is known of a site’s requests: what its own gateways saw, else what most of them were. */
  #trafficMs(site: string): number | null {
    const { domain, told } = this.#world
    const traffic = this.#seen.get(site)
    const known = [...told(this.service, site), ...(traffic === undefined ? [] : [{ domain, traffic }])]
    const here = known.filter((each) => each.domain === site)
    const [best] = (here.length > 0 ? here : known).toSorted(
      (a, b) => b.traffic.requests - a.traffic.requests,
    )
    return best?.traffic.ms ?? null
  }

  async #ask(watch: SiteWatch): Promise<void> {
    const ms = await watch.paceMs(askedMs)
    if (ms !== null) this.#probed.set(watch.site, ms)
  }
}
