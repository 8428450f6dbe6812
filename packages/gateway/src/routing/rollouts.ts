import {
  carryingReleases,
  stableRelease,
  type Config,
  type ReleaseCount,
  type RouteReleaseCounts,
  type SiteReleaseCounts,
} from '@budao/model'
import { CrashWatch, WHOLE_BP, type ReleaseFaultKind } from '@budao/resilience'
import { sitesOf, sumOfCounts, type ReleaseCounters } from '../service/release-counters.ts'
import type { Service } from '../service/service.ts'
import { cellsOf } from '../threads/arena.ts'
import type { RuntimePlan } from '../threads/runtime.ts'
import { LiveShare } from './live-share.ts'
import { mirrors, releaseShadow } from './release-shadow.ts'

/**
 * Rollouts as a gateway obeys them: what of a route's users a release gets is told here, and holds in all threads with the next
 * request. On its own it gives nothing.
 */
export class Rollouts {
  readonly #now: () => number
  #plan: RuntimePlan | null = null
  #services: ReadonlyMap<string, Service> = new Map()
  #memory: Int32Array = new Int32Array(0)
  /** By rollout: its release, and stable. */
  readonly #crashes: Map<string, Readonly<Record<'release' | 'stable', CrashWatch>>> = new Map()

  constructor(now: () => number) {
    this.#now = now
  }

  /** These are in force: memory may lie elsewhere than before, and is empty then. */
  use(plan: RuntimePlan, services: ReadonlyMap<string, Service>, memory: Int32Array): void {
    this.#plan = plan
    this.#services = services
    this.#memory = memory
  }

  /** Of the clock that leases are judged by. */
  now(): number {
    return this.#now()
  }

  /** The release's share from now on, in basis points, until a monotonic time; Infinity for good. False where there is no such rollout here. */
  share(rollout: string, basisPoints: number, until: number): boolean {
    const live = this.#live(rollout)
    live?.set(basisPoints, until)
    return live !== null
  }

  /** Of stable’s requests so many, in basis points, are shown to the release too, until that time. False where it is shown none. */
  mirror(rollout: string, basisPoints: number, until: number): boolean {
    const config = this.#plan?.snapshot.config.rollouts[rollout]
    if (config === undefined || !mirrors(config)) return false
    releaseShadow(this.#plan!, this.#memory, rollout, config.release, 0).share.set(basisPoints, until)
    return true
  }

  /** What the release has at this moment. */
  shareOf(rollout: string): number {
    return this.#live(rollout)?.at(this.#now()) ?? 0
  }

  /** By service whose traffic is split, the releases that carry it at this moment. */
  carrying(): ReadonlyMap<string, ReadonlySet<string>> {
    const { config } = this.#plan!.snapshot
    const whole = Object.keys(config.rollouts).filter((rollout) => this.shareOf(rollout) === WHOLE_BP)
    return carryingReleases(config, new Set(whole))
  }

  /** A drill makes its release a bad one for so long, at this gateway; null ends it. False where there is no such rollout here. */
  drill(rollout: string, kind: ReleaseFaultKind | null, forMs: number): boolean {
    const config = this.#plan?.snapshot.config
    const wanted = config?.rollouts[rollout]
    const route = config?.routes.find(({ name }) => name === wanted?.route)
    if (wanted === undefined || route === undefined) return false
    const now = this.#now()
    for (const { service } of route.backends)
      for (const { drill } of this.#services.get(service)!.releases?.get(wanted.release)?.values() ?? [])
        drill.set(kind, now, now + forMs)
    return true
  }

  /**
   * What was counted of the release and of stable since the process began; null where there is no such rollout here. `crashes`
   * says how often the process at an address ended and was not to, by whoever looks after it; null where nobody does.
   */
  counts(
    rollout: string,
    crashes: (address: string) => number | null = () => null,
  ): RouteReleaseCounts | null {
    const config = this.#plan?.snapshot.config
    const wanted = config?.rollouts[rollout]
    const route = config?.routes.find(({ name }) => name === wanted?.route)
    if (wanted === undefined || route === undefined) return null
    const services = route.backends.map(({ service }) => this.#services.get(service)!)
    const now = this.#now()
    const { release } = wanted
    return {
      release: sumOf(services, release),
      stable: sumOf(services, stableRelease),
      ...bySite(services, release, now),
      crashes: this.#crashesOf(rollout, release, services, crashes, now),
      ...(mirrors(wanted) ? { mirrored: this.#mirrored(rollout, release) } : {}),
      unusable: services.every(({ set }) => {
        const own = set.releases?.get(release)
        return own === undefined || own.usable(now) === 0
      }),
      lost: services.every((service) => isLost(service, release, now)),
    }
  }

  #crashesOf(
    rollout: string,
    release: string,
    services: readonly Service[],
    crashes: (address: string) => number | null,
    now: number,
  ): { release: number; stable: number } {
    let watches = this.#crashes.get(rollout)
    if (watches === undefined) {
      watches = { release: new CrashWatch(), stable: new CrashWatch() }
      this.#crashes.set(rollout, watches)
    }
    for (const { set, config } of services)
      for (const [index, endpoint] of config.endpoints.entries()) {
        const of = endpoint.release === release ? 'release' : 'stable'
        if (of === 'stable' && endpoint.release !== stableRelease) continue
        const up = set.isDraining(index) ? null : set.state(index, now) === 'usable'
        watches[of].see(endpoint.address, { up, crashes: crashes(endpoint.address) }, now)
      }
    return { release: watches.release.worst(now), stable: watches.stable.worst(now) }
  }

  #mirrored(rollout: string, release: string): NonNullable<RouteReleaseCounts['mirrored']> {
    const { shown, own } = releaseShadow(this.#plan!, this.#memory, rollout, release, 0)
    return { release: countOf([shown.counters]), stable: countOf([own.counters]) }
  }

  #live(rollout: string): LiveShare | null {
    if (this.#plan === null || !Object.hasOwn(this.#plan.snapshot.config.rollouts, rollout)) return null
    return new LiveShare(cellsOf(this.#memory, this.#plan.layout, rolloutCellName(rollout)))
  }
}

/** The shared memory of rollouts, by name. */
export function rolloutCells({ rollouts }: Config): Map<string, number> {
  return new Map(Object.keys(rollouts).map((name) => [rolloutCellName(name), LiveShare.cellsFor()]))
}

export function rolloutCellName(rollout: string): string {
  return `rollout/${rollout}`
}

/** `site`: there only. */
function sumOf(services: readonly Service[], release: string, site?: string): ReleaseCount {
  return countOf(
    services.flatMap(({ releases }) => {
      const counters = releases?.get(release)
      if (site === undefined) return [...(counters?.values() ?? [])]
      return counters?.get(site) ?? []
    }),
  )
}

function countOf(all: readonly ReleaseCounters[]): ReleaseCount {
  const { requests, errors, latencies } = sumOfCounts(all)
  return { requests, errors, latencies }
}

/** Nothing where all stand at one site. */
function bySite(
  services: readonly Service[],
  release: string,
  now: number,
): Pick<RouteReleaseCounts, 'sites'> {
  const all = new Set(services.flatMap(({ config }) => sitesOf(config)))
  if (all.size < 2) return {}
  const both = [...all].filter((site) =>
    [release, stableRelease].every((each) =>
      services.some(({ config }) =>
        config.endpoints.some((one) => one.release === each && one.site === site),
      ),
    ),
  )
  const countsAt = (site: string): SiteReleaseCounts => ({
    release: sumOf(services, release, site),
    stable: sumOf(services, stableRelease, site),
    lost: services.every((service) => isLostAt(service, new Set([site]), now)),
  })
  return { sites: Object.fromEntries(both.map((site) => [site, countsAt(site)])) }
}

/** Stable stands at its sites too, and none of it can be asked there: what befell them befell both. */
function isLost(service: Service, release: string, now: number): boolean {
  const own = service.config.endpoints.filter((each) => each.release === release)
  return isLostAt(service, new Set(own.map(({ site }) => site)), now)
}

function isLostAt({ config, set }: Service, sites: ReadonlySet<string>, now: number): boolean {
  const stable = [...config.endpoints.entries()].filter(
    ([, each]) => each.release === stableRelease && sites.has(each.site),
  )
  return stable.length > 0 && stable.every(([index]) => set.state(index, now) !== 'usable')
}
