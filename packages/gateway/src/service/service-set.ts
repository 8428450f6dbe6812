import type { ServiceConfig } from '@budao/model'
import { EndpointSet, type EndpointSpec, type EndpointSetOptions } from '@budao/resilience'
import type { Place } from '../ownership/service-ownership.ts'
import { releasesOf } from './release-counters.ts'
import { cellNames } from './service-memory.ts'
import { outlierOptions, slowStartOptions } from './service-options.ts'
import type { ServiceContext } from './service.ts'

/** The endpoints of a service at one place, and, where its traffic is split, those of each release beside them. */
export class ServiceSet extends EndpointSet {
  /** Null where nothing splits. Sites, health and balance are those of all. */
  readonly releases: ReadonlyMap<string, EndpointSet> | null

  constructor(
    make: (release: string | null) => ConstructorParameters<typeof EndpointSet>,
    releases: readonly string[] | null,
  ) {
    super(...make(null))
    this.releases =
      releases === null
        ? null
        : new Map(releases.map((release) => [release, new EndpointSet(...make(release))]))
  }

  /** As `EndpointSet.follow`, each release the same one of before. */
  override follow(previous: ServiceSet, now: number): void {
    super.follow(previous, now)
    for (const [release, set] of this.releases ?? []) {
      const before = previous.releases?.get(release)
      if (before !== undefined) set.follow(before, now)
    }
  }
}

/**
 * The endpoints of a service over its shared memory: all of them as the configuration places them, or with `place` those of
 * its sites in that order. However many sets there are of a service, an endpoint is ill or busy in all of them.
 */
export function endpointSet(
  name: string,
  config: ServiceConfig,
  context: ServiceContext,
  isClosed: (index: number, now: number) => boolean,
  place: Place | null,
): ServiceSet {
  const names = cellNames(name)
  const weightOf = (site: string): number => context.sites.find((each) => each.name === site)?.weight ?? 1
  const options: EndpointSetOptions = {
    balance: config.balance,
    mode: place?.mode ?? config.mode,
    sites:
      place === null ? context.sites : place.sites.map((site) => ({ name: site, weight: weightOf(site) })),
    localSite: place?.first ?? context.localSite,
    worker: context.worker,
    workers: context.workers,
    overprovisioningFactorPct: config.priority.overprovisioningPercent,
    panicThresholdPct: config.priority.panicPercent,
    outlier: outlierOptions(config),
    slowStart: slowStartOptions(config),
    memory: (index) => context.cells(names.endpointFacts(config.endpoints[index]!.address)),
    isClosed,
  }
  const specs = (wanted: string | null): EndpointSpec[] =>
    config.endpoints.map(({ address, site, weight, rank, release }) => {
      const here = place === null || place.sites.includes(site)
      return { id: address, site, weight: here && (wanted === null || wanted === release) ? weight : 0, rank }
    })
  return new ServiceSet(
    (release) => [context.cells(names.set), context.random, specs(release), options],
    context.carrying(name) === undefined ? null : releasesOf(config),
  )
}
