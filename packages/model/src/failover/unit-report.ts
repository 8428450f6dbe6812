import type { Explanation } from './explanation.ts'
import type { FailoverRun, SiteVerdict } from './failover-run.ts'
import type { SitePosition, SiteStandby } from './site-order.ts'

/** What a controller says of one unit: read by the admin API, the console and `budao status --why`. */
export interface UnitReport {
  readonly unit: string
  readonly service: string
  readonly automation: 'on' | 'advise' | 'off'
  /** Where it may be, the preferred one first. */
  readonly sites: readonly string[]
  /** Whether this controller leads; where it does not, everything else may be a moment old. */
  readonly leads: boolean
  readonly term: number | null
  readonly epoch: number | null
  readonly owner: string | null
  readonly lease: 'granted' | 'held' | 'fenced' | null
  /** How long one renewal holds, milliseconds. */
  readonly leaseMs: number
  /** Since the last renewal was first seen here, milliseconds. */
  readonly renewedMs: number | null
  readonly inSync: readonly string[]
  /** Why it is as it is. */
  readonly why: Explanation | null
  /** What everybody thinks of every site, vote by vote. */
  readonly verdicts: readonly SiteVerdict[]
  readonly positions: readonly SitePosition[]
  readonly drained: readonly string[]
  /** Sites with processes that are started only when the work goes there. */
  readonly standbys: readonly SiteStandby[]
  /** Sites that lost it, on their way back. */
  readonly returning: readonly ReturningSite[]
  /** The move under way, or the last one. */
  readonly run: FailoverRun | null
  /** How long the next failover by itself must wait for an acknowledgement, milliseconds; 0: not at all. */
  readonly blockedMs: number
}

/** What everybody thinks of the sites of a service that is watched, whether or not anything of it can be moved. */
export interface WatchedReport {
  readonly service: string
  readonly verdicts: readonly SiteVerdict[]
}

/** One site of a unit on its way back. */
export interface ReturningSite {
  readonly site: string
  readonly stage: FailbackStage
  /** Since it is there, milliseconds. */
  readonly sinceMs: number
}

/**
 * Where a site stands that lost its work, on its way back:
 * serving: it has the work. fenced: it lost it, and is not well yet. catching-up: it replays what it missed.
 * shadow: it answers reads beside the owner, and the answers are compared. ready: it may have the work again.
 */
export type FailbackStage = 'serving' | 'fenced' | 'catching-up' | 'shadow' | 'ready'
