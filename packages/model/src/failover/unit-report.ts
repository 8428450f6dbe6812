import type { Explanation } from './explanation.ts'
import type { FailoverRun, SiteVerdict } from './failover-run.ts'
import type { SitePosition } from './site-order.ts'

/** What a controller says of one unit: read by the admin API, the console and `budao status --why`. */
export interface UnitReport {
  readonly unit: string
  readonly service: string
  readonly automation: 'on' | 'advise' | 'off'
  /** Whether this controller leads; where it does not, everything else may be a moment old. */
  readonly leads: boolean
  readonly term: number | null
  readonly epoch: number | null
  readonly owner: string | null
  readonly lease: 'granted' | 'held' | 'fenced' | null
  /** Since the last renewal was first seen here, milliseconds. */
  readonly renewedMs: number | null
  readonly inSync: readonly string[]
  /** Why it is as it is. */
  readonly why: Explanation | null
  /** What everybody thinks of every site, vote by vote. */
  readonly verdicts: readonly SiteVerdict[]
  readonly positions: readonly SitePosition[]
  readonly drained: readonly string[]
  /** The move under way, or the last one. */
  readonly run: FailoverRun | null
  /** How long the next failover by itself must wait for an acknowledgement, milliseconds; 0: not at all. */
  readonly blockedMs: number
}
