import type { CoordinationStore, Placement } from '@budao/model'
import type { HeldLease } from '@budao/resilience'
import type { UnitRules } from '../failover/unit-rules.ts'
import type { SiteData } from './site-data.ts'

/** What of a unit’s rules its keeper looks at. */
export type KeptUnit = Pick<UnitRules, 'unit' | 'service' | 'sites' | 'ttlMs'>

/** What a keeper has to do with. */
export interface KeeperOptions {
  /** This node’s name: unique among all, and of one process at a time. */
  readonly node: string
  /** Unique for each start of the process. */
  readonly start: string
  readonly site: string
  readonly store: CoordinationStore
  readonly units: readonly KeptUnit[]
  /** The lease as the data plane asks for it. Called anew for each use: a reload may move it. */
  lease(unit: string): HeldLease
  /** Takes no new writes of that epoch or a lower one, and resolves when those under way are over, within its bound. */
  settle(unit: string, epoch: number): Promise<void>
  /** Whether this site has a backend that could take writes of the unit. */
  usable(unit: string): boolean
  /** Data of a service at this site. */
  data(service: string): SiteData
  /** Something newer is known of where writes go; `holder` is the node that has claimed it, null before. */
  placed(placement: Placement, holder: string | null): void
  /** The lease was claimed here, or is no longer renewed here, and why. For events. */
  held?(unit: string, epoch: number, change: 'claimed' | 'stopped', lossMs: number | null): void
  /** Monotonic milliseconds of the clock that the data plane goes by. */
  now(): number
  /** Runs something later. Default `setTimeout`, which keeps no process alive. */
  schedule?(run: () => void, ms: number): () => void
}

/** A renewal is due so often, and sooner for a shorter lease. */
export const renewMs = 500
/** Nothing is waited for longer than this at the store; what comes later is looked up again. */
export const storeTimeoutMs = 600

/** How a lease names its holder. */
export function holderName(node: string, start: string): string {
  return `${node}#${start}`
}

/** The node in such a name. */
export function nodeOf(holder: string): string {
  const mark = holder.lastIndexOf('#')
  return mark === -1 ? holder : holder.slice(0, mark)
}

/** Runs something later by the event loop’s timer. */
export function later(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
