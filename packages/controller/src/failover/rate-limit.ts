import type { Moment } from './unit-event.ts'
import type { UnitState } from './unit-state.ts'

/**
 * How long an automatic failover must still wait after the last one, unless a person acknowledges that. One that was
 * watched is timed by the monotonic clock; of one from before this process only the wall clock knows.
 */
export function rateLimitedMs({ run, rules, automaticSeenAt }: UnitState, { now, wall }: Moment): number {
  const last = run?.value
  if (last === undefined || last.automaticAt === null || last.acknowledged) return 0
  const sinceMs = automaticSeenAt === null ? wall - last.automaticAt : now - automaticSeenAt
  return Math.max(0, rules.everyMs - sinceMs)
}
