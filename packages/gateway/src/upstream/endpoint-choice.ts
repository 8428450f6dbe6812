import type { RequestView } from '../filters/filter.ts'
import type { EndpointSet } from '@budao/resilience'
import type { Service } from '../service/service.ts'

/** What `ring-hash` and `maglev` may look at. */
export type HashedBy = Pick<RequestView, 'header' | 'query' | 'clientIp'>

/**
 * The endpoint of `set` for the next attempt, as an index, with its breaker's permit in `service.admitted`; -1 when there is none.
 * Avoids `tried`, and adds those to it whose breaker turns the attempt away.
 */
export function chooseEndpoint(
  service: Service,
  set: EndpointSet,
  request: HashedBy,
  now: number,
  tried: number[],
): number {
  // An endpoint's breaker may turn a trial away between the choice and the knock: look elsewhere, but not for ever.
  for (let knocks = 0; knocks <= service.endpoints.length; knocks++) {
    const index = service.pick(set, request, now, tried)
    if (index === -1) return -1
    const { breaker } = service.endpoints[index]!
    service.admitted = breaker === null ? 0 : breaker.admit(now)
    if (service.admitted >= 0) return index
    if (!tried.includes(index)) tried.push(index)
  }
  return -1
}
