import type { Service } from './service.ts'

/** Where an operator may put a breaker; `auto` gives it back to its own rules. */
export type BreakerForce = 'open' | 'closed' | 'auto'

/** Puts a breaker there. `endpoint` null is the breaker of the service. False when there is no such breaker. */
export function forceBreaker(
  service: Service | undefined,
  endpoint: string | null,
  to: BreakerForce,
  reason: string,
  now: number,
): boolean {
  const holder = endpoint === null ? service : service?.endpoints.find(({ address }) => address === endpoint)
  const breaker = holder?.breaker ?? null
  if (breaker === null) return false
  breaker.force(to, reason, now)
  return true
}
