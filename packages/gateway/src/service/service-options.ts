import type { ServiceConfig } from '@budao/model'
import type { BreakerOptions, SlowStartOptions } from '@budao/resilience'

/** What the file says of breakers, as the rule wants it; null: none. */
export function breakerOptions({ breaker, timeouts }: ServiceConfig): BreakerOptions | null {
  if (breaker === false) return null
  return {
    windowMs: breaker.window,
    buckets: breaker.buckets,
    requestVolumeThreshold: breaker.requestVolumeThreshold,
    errorThresholdPercentage: breaker.errorThresholdPercentage,
    sleepWindowMs: breaker.sleepWindow,
    trialLeaseMs: Math.max(breaker.trialLease, timeouts.request),
    ...(breaker.slowCall === undefined
      ? {}
      : { slowCallMs: breaker.slowCall, slowCallPercentage: breaker.slowCallPercentage }),
  }
}

/** What the file says of ejection, as the rule wants it. */
export function outlierOptions({ outlier }: ServiceConfig): { maxFails: number; failTimeoutMs?: number } {
  return outlier === false
    ? { maxFails: 0 }
    : { maxFails: outlier.maxFails, failTimeoutMs: outlier.failTimeout }
}

/** What the file says of endpoints that come back, as the rule wants it; undefined: nothing. */
export function slowStartOptions({ slowStart }: ServiceConfig): SlowStartOptions | undefined {
  if (slowStart === undefined) return undefined
  return {
    windowMs: slowStart.window,
    minWeightPercent: slowStart.minWeightPercent,
    aggression: slowStart.aggression,
  }
}

/** What the file says of the retry budget, as the rule wants it. */
export function budgetOptions({ retry }: ServiceConfig): { percent: number; minPerSecond: number } {
  return { percent: retry.budgetPercent, minPerSecond: retry.budgetMin }
}
