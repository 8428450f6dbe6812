import type { BalancerKind } from './balance/balancers.ts'
import type { Cells } from './cells.ts'
import type { EndpointLoadOptions } from './endpoint-load.ts'
import type { OutlierOptions } from './outlier.ts'
import type { PriorityOptions } from './priority.ts'
import type { SiteMode, SiteWeight } from './site-priority.ts'
import type { SlowStartOptions } from './slow-start.ts'

/** One endpoint as a set is told of it. */
export interface EndpointSpec {
  /** Unique in the set, stable over reloads: the consistent hashes are made from it. */
  readonly id: string
  readonly site: string
  /** Relative share, 0 or more; 0 keeps it out. */
  readonly weight: number
  /** Those of a higher rank get only what the ones of lower ranks, at all sites, cannot carry. Default 0. */
  readonly rank?: number
}

/** How a set shares its requests. */
export interface EndpointSetOptions extends PriorityOptions, EndpointLoadOptions {
  readonly balance: BalancerKind
  readonly mode: SiteMode
  /** In configured order. */
  readonly sites: readonly SiteWeight[]
  /** Where this gateway stands. */
  readonly localSite: string
  readonly outlier?: OutlierOptions | undefined
  /** None by default. Has no effect on ring-hash and maglev. */
  readonly slowStart?: SlowStartOptions | undefined
  /**
   * Memory of one endpoint, `EndpointFacts.cellsFor` cells, where it is kept by endpoint so that it outlives the set. By
   * default it lies behind the set's own cell, by position.
   */
  readonly memory?: (index: number) => Cells
  /**
   * A door the endpoint keeps closed for now, such as its open breaker: asked about an endpoint at the moment it
   * would be picked, so keep it cheap and without effects. None by default.
   */
  readonly isClosed?: (index: number, now: number) => boolean
}

/** Whether an endpoint gets requests, and why not. */
export type EndpointState = 'usable' | 'unhealthy' | 'ejected'
