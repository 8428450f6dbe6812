import type { ServiceConfig } from '@budao/model'
import {
  AdaptiveLimit,
  Bulkhead,
  CircuitBreaker,
  EndpointFacts,
  EndpointSet,
  LatencyQuantile,
  RetryBudget,
} from '@budao/resilience'
import { Admission } from './admission.ts'
import { ownershipCells } from '../ownership/service-ownership.ts'
import { HedgeCounts } from '../upstream/hedge-counts.ts'
import { breakerOptions } from './service-options.ts'
import { ReleaseCounters, releasesOf, sitesOf } from './release-counters.ts'
import { ShedCounts } from './shed-counts.ts'
import { siteEvidenceCells } from './site-evidence.ts'
import { TrafficCounters } from './traffic-counters.ts'

/** Names of a service's pieces of shared memory and how many cells each takes. `sites`: null where nobody keeps leases. */
export function serviceCells(
  name: string,
  config: ServiceConfig,
  sites: readonly string[] | null,
  workers: number,
  prioritized: boolean,
  split = false,
): Map<string, number> {
  const names = cellNames(name)
  const breaker = breakerOptions(config)
  const cells = new Map<string, number>([
    [names.set, EndpointSet.cellsFor(0, workers)],
    [names.budget, RetryBudget.cellsFor()],
    [names.bulkhead, Bulkhead.cellsFor()],
    [names.inside, workers],
    [names.pending, workers],
    [names.shed, ShedCounts.cellsFor()],
    [names.hedges, HedgeCounts.cellsFor()],
    [names.counters, 2 * TrafficCounters.floatsFor(workers)],
    ...(sites === null ? [] : ownershipCells(name, config, sites, workers)),
    ...(sites === null ? [] : siteEvidenceCells(name, config, sites)),
  ])
  if (split)
    for (const release of releasesOf(config))
      for (const site of sitesOf(config))
        cells.set(names.release(release, site), 2 * ReleaseCounters.floatsFor(workers))
  for (const { address } of config.endpoints) {
    cells.set(names.endpointFacts(address), EndpointFacts.cellsFor(workers))
    cells.set(names.endpointCounters(address), 2 * TrafficCounters.floatsFor(workers))
  }
  if (needsAdmission(config, prioritized)) cells.set(names.admission, Admission.cellsFor(workers))
  if (config.limits.adaptive !== undefined) cells.set(names.adaptive, AdaptiveLimit.cellsFor())
  if (typeof config.retry.hedge?.after === 'string') cells.set(names.lateness, LatencyQuantile.cellsFor())
  if (breaker === null) return cells
  cells.set(names.breaker, CircuitBreaker.cellsFor(breaker))
  for (const { address } of config.endpoints)
    cells.set(names.endpointBreaker(address), CircuitBreaker.cellsFor(breaker))
  return cells
}

export function pendingCellName(service: string): string {
  return `service/${service}/pending`
}

type Names<Piece extends string> = Readonly<Record<Piece, string>>
type NamesByAddress<Piece extends string> = Readonly<Record<Piece, (address: string) => string>>

/** How a service's pieces of shared memory are called; those of an endpoint by its address. */
export type ServiceCellNames = Names<
  | 'set'
  | 'breaker'
  | 'budget'
  | 'bulkhead'
  | 'inside'
  | 'shed'
  | 'hedges'
  | 'admission'
  | 'adaptive'
  | 'lateness'
  | 'pending'
  | 'counters'
> &
  NamesByAddress<'endpointCounters' | 'endpointFacts' | 'endpointBreaker'> & {
    /** By the site of the endpoint that was asked. */
    readonly release: (release: string, site: string) => string
  }

/** The names of a service's pieces of shared memory. */
export function cellNames(name: string): ServiceCellNames {
  const base = `service/${name}`
  return {
    set: `${base}/set`,
    breaker: `${base}/breaker`,
    budget: `${base}/budget`,
    bulkhead: `${base}/bulkhead`,
    inside: `${base}/inside`,
    shed: `${base}/shed`,
    hedges: `${base}/hedges`,
    admission: `${base}/admission`,
    adaptive: `${base}/adaptive`,
    lateness: `${base}/lateness`,
    pending: pendingCellName(name),
    release: (release, site) => `${base}/release/${release}/site/${site}`,
    // By endpoint: one that comes or goes leaves the others' state where it is.
    counters: `${base}/counters`,
    endpointCounters: (address: string) => `${endpointMemory(name, address)}counters`,
    endpointFacts: (address: string) => `${endpointMemory(name, address)}facts`,
    endpointBreaker: (address: string) => `${endpointMemory(name, address)}breaker`,
  }
}

/** What the names of an endpoint's pieces of shared memory begin with. */
export function endpointMemory(service: string, address: string): string {
  return `service/${service}/endpoint/${address}/`
}

/** Whether there is more to being let in than a fixed limit. */
export function needsAdmission({ limits }: ServiceConfig, prioritized: boolean): boolean {
  return prioritized || limits.adaptive !== undefined || limits.queue !== undefined
}
