import type { ServiceConfig } from '@budao/model'
import { EndpointSet } from '@budao/resilience'
import type { Place } from '../ownership/service-ownership.ts'
import { cellNames } from './service-memory.ts'
import { outlierOptions, slowStartOptions } from './service-options.ts'
import type { ServiceContext } from './service.ts'

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
): EndpointSet {
  const names = cellNames(name)
  const weightOf = (site: string): number => context.sites.find((each) => each.name === site)?.weight ?? 1
  return new EndpointSet(
    context.cells(names.set),
    context.random,
    config.endpoints.map(({ address, site, weight, rank }) => ({
      id: address,
      site,
      weight: place === null || place.sites.includes(site) ? weight : 0,
      rank,
    })),
    {
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
    },
  )
}
