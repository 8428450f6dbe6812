import { stableRelease } from '@budao/model'
import type { RequestView } from '../filters/filter.ts'
import type { EndpointSet } from '@budao/resilience'
import type { Service } from '../service/service.ts'
import type { ServiceSet } from '../service/service-set.ts'
import type { Shadow } from '../service/shadow.ts'

/** What `ring-hash` and `maglev` may look at. */
export type HashedBy = Pick<RequestView, 'header' | 'query' | 'clientIp'>

/** A request, and the release it belongs to; empty for stable. */
export type ChosenFor = HashedBy & { readonly release: string; readonly shadow: Shadow | null }

/**
 * The endpoint of `set` for the next attempt, as an index, with its breaker's permit in `service.admitted`; -1 when there is none.
 * Avoids `tried`, and adds those to it whose breaker turns the attempt away.
 *
 * Where releases are told apart, a release whose endpoints are all ill, closed or tried already hands its requests to
 * stable. Stable hands its own to others only when nothing of it can be asked at all: a release with a small share need not
 * be able to carry what stable repeats.
 */
export function chooseEndpoint(
  service: Service,
  set: ServiceSet,
  request: ChosenFor,
  now: number,
  tried: number[],
): number {
  if (set.releases === null) return chooseAmong(service, set, request, now, tried, false)
  const { release } = request
  const first = tried.length === 0
  if (release !== '' && release !== stableRelease) {
    const own = usableOf(set, release, now)
    const index = own === null ? -1 : chooseAmong(service, own, request, now, tried, true)
    if (index !== -1) return index
    // Stable has the request already.
    if (request.shadow?.isCopy === true) return -1
    // A lane that this service does not have has no counters: going to stable is what it is for.
    if (first) service.releases!.get(release)?.values().next().value?.fellBack()
  }
  const stable = usableOf(set, stableRelease, now)
  const index = stable === null ? -1 : chooseAmong(service, stable, request, now, tried, false)
  return index === -1 ? chooseAmong(service, set, request, now, tried, false) : index
}

/** Among whom an attempt beside another one is made: those of its release, or of stable where that has nobody. */
export function hedgeSet(set: ServiceSet, release: string, now: number): EndpointSet {
  if (set.releases === null) return set
  return (release === '' ? null : usableOf(set, release, now)) ?? usableOf(set, stableRelease, now) ?? set
}

function usableOf({ releases }: ServiceSet, release: string, now: number): EndpointSet | null {
  const set = releases!.get(release)
  return set !== undefined && set.usable(now) > 0 ? set : null
}

/** `fresh`: -1 rather than one of `tried`. */
function chooseAmong(
  service: Service,
  set: EndpointSet,
  request: HashedBy,
  now: number,
  tried: number[],
  fresh: boolean,
): number {
  // An endpoint's breaker may turn a trial away between the choice and the knock: look elsewhere, but not for ever.
  for (let knocks = 0; knocks <= service.endpoints.length; knocks++) {
    const index = service.pick(set, request, now, tried)
    if (index === -1 || (fresh && tried.includes(index))) return -1
    const { breaker } = service.endpoints[index]!
    service.admitted = breaker === null ? 0 : breaker.admit(now)
    if (service.admitted >= 0) return index
    if (!tried.includes(index)) tried.push(index)
  }
  return -1
}
