import type { RolloutVerdictReport } from '@budao/model'
import type { ReleaseFaultKind } from '@budao/controller'
import type { Verdict } from '../verdict.ts'

/** One gateway on the way back. */
export interface GatewayWayBack {
  readonly node: string
  /** From the event of the decision to the first reading of 0 %, milliseconds; null: it was not seen. */
  readonly zeroAfterMs: number | null
}

export interface ReleaseInvariant {
  readonly name: 'no-user-failed' | 'sent-back-in-time' | 'none-left' | 'told-once' | 'restored'
  readonly holds: boolean
  readonly measured: number | null
  readonly limit: number | null
}

/** What a drill of a bad release has measured. Times in milliseconds. */
export interface ReleaseDrillReport {
  readonly schema: 1
  readonly scenario: 'bad-release'
  readonly id: string
  /** ISO 8601. */
  readonly at: string
  readonly site: string
  readonly rollout: string
  readonly release: string
  readonly kind: ReleaseFaultKind
  readonly gateway: { readonly node: string; readonly version: string }
  readonly verdict: Verdict
  readonly passed: boolean
  readonly invariants: readonly ReleaseInvariant[]
  readonly rate: number
  readonly durationMs: number
  /** The gateways that were asked. */
  readonly wayBack: readonly GatewayWayBack[]
  /** Of users, of whichever release; what the gateway's retries saved has not failed. */
  readonly requests: { readonly sent: number; readonly failed: number; readonly p99Ms: number | null }
  /** Requests of the release until it was sent back, and how many of them failed. */
  readonly canaryRequests: number
  readonly canaryErrors: number
  /** From the rollout's start to the decision, and from the first request of the release that was counted. */
  readonly startToDecisionMs: number | null
  readonly firstToDecisionMs: number | null
  readonly decision: { readonly why: string; readonly verdict: RolloutVerdictReport | null } | null
  /** The generator itself was held up for so long at worst. */
  readonly longestPauseMs: number
  readonly endedBecause: string | null
}

/** What a drill saw. */
export interface ReleaseDrillSeen extends Omit<
  ReleaseDrillReport,
  'schema' | 'scenario' | 'verdict' | 'passed' | 'invariants'
> {
  readonly notices: number
  readonly limitMs: number
  readonly restored: boolean
  readonly interrupted: boolean
}

/** A second, and what reading it takes: it is looked at ten times a second, on a machine that does much else. */
const zeroMsMax = 1_500

/** Pure. */
export function releaseDrillReport(seen: ReleaseDrillSeen): ReleaseDrillReport {
  const { notices, limitMs, restored, interrupted, ...figures } = seen
  const { requests, wayBack, startToDecisionMs } = figures
  const slowest = wayBack.reduce<number | null>(
    (most, { zeroAfterMs }) => (most === null || zeroAfterMs === null ? null : Math.max(most, zeroAfterMs)),
    0,
  )
  const invariants: ReleaseInvariant[] = [
    { name: 'no-user-failed', holds: requests.failed === 0, measured: requests.failed, limit: 0 },
    {
      name: 'sent-back-in-time',
      holds: startToDecisionMs !== null && startToDecisionMs <= limitMs,
      measured: startToDecisionMs,
      limit: limitMs,
    },
    {
      name: 'none-left',
      holds: slowest !== null && slowest <= zeroMsMax,
      measured: slowest,
      limit: zeroMsMax,
    },
    { name: 'told-once', holds: notices === 1, measured: notices, limit: 1 },
    { name: 'restored', holds: restored, measured: null, limit: null },
  ]
  const passed = !interrupted && invariants.every(({ holds }) => holds)
  const verdict: Verdict = interrupted ? 'interrupted' : passed ? 'passed' : 'failed'
  return { schema: 1, scenario: 'bad-release', ...figures, verdict, passed, invariants }
}
