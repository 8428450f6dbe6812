export type { BalancedEndpoint, Balancer, BalancerPick } from './balance/balancer.ts'
export * from './balance/balancers.ts'
export * from './breaker-options.ts'
export type {
  BreakerCounts,
  BreakerEvidence,
  BreakerReason,
  BreakerState,
  BreakerTransition,
} from './breaker-transition.ts'
export * from './bulkhead.ts'
export * from './cells.ts'
export * from './circuit-breaker.ts'
export * from './clock.ts'
export * from './deadline.ts'
export * from './endpoint-facts.ts'
export * from './endpoint-load.ts'
export * from './endpoint-set-options.ts'
export * from './endpoint-set.ts'
export * from './fallback.ts'
export * from './hash.ts'
export * from './health-state.ts'
export * from './outlier.ts'
export * from './presence.ts'
export * from './priority.ts'
export * from './rate-limiter.ts'
export * from './retry-after.ts'
export * from './retry-budget.ts'
export * from './retry.ts'
export * from './seeded-random.ts'
export * from './site-priority.ts'
export * from './slow-start.ts'
export * from './spare.ts'
