import type { Automation, DetectionConfig, FailoverConfig, ObjectivesConfig } from '@budao/model'

/** What of the configuration a unit’s rules look at. Times in milliseconds. */
export interface UnitRules {
  readonly unit: string
  readonly service: string
  /** Sites that have endpoints of it, the preferred one first. */
  readonly sites: readonly string[]
  readonly automation: Automation
  readonly ttlMs: number
  readonly guardMs: number
  readonly fence: 'lease' | 'process'
  readonly everyMs: number
  readonly priority: number
  /** Null: data may be as far behind as it likes. */
  readonly lagMaxMs: number | null
  /** Only a site that has every acknowledged write may take over by itself. */
  readonly lossless: boolean
  readonly minSites: number
  readonly minCapacityPercent: number
  readonly failback: 'manual' | 'automatic'
  /** See `failover.shadow` and `failover.rest`. */
  readonly shadowMs: number
  readonly restMs: number
  /** A site of which nothing good was heard since the controller began may be starting for so long. */
  readonly graceMs: number
  /** From the order to start a cold standby until it is well. */
  readonly startMs: number
  /** What was started is stopped when it was not needed for so long; Infinity: never. */
  readonly stopAfterMs: number
  /** A holder whose lease ended so long ago cannot renew, whatever else it can; Infinity: not looked at. */
  readonly lapseMs: number
  /** The provider can bring a site’s data back to its last consistent position. */
  readonly restores: boolean
  /** A standby that is down is taken from those whose answer is awaited. */
  readonly reducesInSync: boolean
}

/** How long each thing may take before something else is tried, milliseconds. */
export const unitTimes = {
  /** An agent’s answer to an order. */
  order: 1000,
  /** Between two attempts to reach an agent. */
  again: 250,
  /** Until a site has taken the lease that it was granted. */
  claim: 1500,
  /** Until a planned move’s old site has stopped, and the new one has caught up. */
  drain: 5000,
  catchUp: 10_000,
  restore: 30_000,
  /** Until an agent has said that it starts what is cold: several attempts. */
  startAnswer: 5000,
  /** What an agent told may be so old: its next word is on its way. */
  startTold: 1000,
  /** A site that did not start is no target for so long. */
  startAgain: 60_000,
  /** Between two orders to stop a standby that is not needed. */
  stopAgain: 5000,
  /** Until all gateways that can be reached have the placement. */
  publish: 500,
  /** Until who begins to lead has seen a renewal of whoever lives: they come each half a second. */
  renewed: 600,
  /** Between two moves, whatever the reason. */
  calm: 10_000,
} as const

/** The rules of a unit of a service with a `failover` section. */
export function unitRules(
  unit: string,
  service: string,
  sites: readonly string[],
  failover: FailoverConfig,
  objectives: ObjectivesConfig = {},
  detection: Pick<DetectionConfig, 'mode'> = { mode: 'accelerated' },
): UnitRules {
  const { order = sites } = failover
  const rest = sites.filter((site) => !order.includes(site))
  return {
    unit,
    service,
    sites: [...order.filter((site) => sites.includes(site)), ...rest],
    automation: failover.automation,
    ttlMs: failover.lease,
    guardMs: failover.guard,
    fence: failover.fence,
    everyMs: failover.every,
    priority: failover.priority,
    lagMaxMs: failover.lagMax ?? objectives.rpo ?? null,
    lossless: objectives.rpo === 0,
    minSites: failover.minSites,
    minCapacityPercent: failover.minCapacityPercent,
    failback: failover.failback,
    shadowMs: failover.shadow,
    restMs: failover.rest,
    graceMs: failover.startGrace,
    startMs: failover.standby.startTimeout,
    stopAfterMs: failover.standby.stopAfter === 'never' ? Infinity : failover.standby.stopAfter,
    lapseMs: detection.mode === 'literal' ? Infinity : 2000,
    restores: false,
    reducesInSync: true,
  }
}
