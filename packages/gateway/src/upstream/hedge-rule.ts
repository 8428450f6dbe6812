import { isIdempotentMethod } from '@budao/resilience'
import type { ServiceSet } from '../service/service-set.ts'
import type { Service } from '../service/service.ts'
import type { Caller } from './caller.ts'
import { hedgeSet } from './endpoint-choice.ts'

/**
 * Whether a request may be asked once more while the first attempt still runs: only what is whole, may be repeated, and
 * nobody repeats already. `hedged`: how often it was.
 */
export function mayHedge(caller: Caller, { retry }: Service, hedged: number): boolean {
  return (
    caller.upgrade === '' &&
    hedged < retry.hedge!.max &&
    // Not by its key: an endpoint may answer the second one that the first is under way, and would win.
    isIdempotentMethod(caller.method) &&
    caller.replayable &&
    caller.body.complete &&
    caller.terms.attemptedBy === 'nobody'
  )
}

/**
 * The endpoint for an attempt beside those that run, with its breaker’s permit in `service.admitted`; -1 where there is no
 * other one, or the budget is spent.
 */
export function chooseHedge(
  service: Service,
  set: ServiceSet,
  caller: Caller,
  tried: readonly number[],
  now: number,
): number {
  const index = service.pick(hedgeSet(set, caller.release, now), caller, now, tried)
  // Where others wait for a place already, more load would only be more delay.
  if (index === -1 || tried.includes(index) || service.isCrowded) return -1
  if (!service.budget.withdraw(now)) return -1
  const { breaker } = service.endpoints[index]!
  service.admitted = breaker === null ? 0 : breaker.admit(now)
  return service.admitted < 0 ? -1 : index
}
