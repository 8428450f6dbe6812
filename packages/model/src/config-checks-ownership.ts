import type { Finding, Path } from './config-document.ts'
import { checkReference } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { get, items } from './config-values.ts'

/** Keys that only mean something where writes need a lease, and sites that no unit can be of. */
export function* checkOwnership(path: Path, service: unknown, sites: unknown): Generator<Finding> {
  const failover = get(service, 'failover')
  for (const key of ['ownership', 'data']) {
    if (get(service, key) === undefined || failover !== undefined) continue
    yield {
      path: [...path, key],
      message: 'nothing looks at it',
      expected: 'failover beside it, which has writes need a lease',
      found: describe(get(service, key)),
    }
  }
  const ownership = get(service, 'ownership')
  if (ownership === undefined) return
  const mode = get(service, 'mode') ?? 'multi-active'
  if (get(ownership, 'key') !== undefined && mode !== 'multi-active') {
    yield {
      path: [...path, 'ownership', 'key'],
      message: 'there is nothing to choose from',
      expected: 'mode: multi-active, which has a unit for each site',
      found: describe(mode),
    }
  }
  const home = get(ownership, 'home')
  yield* checkReference([...path, 'ownership', 'home'], home, sites, 'site')
  const endpoints = items(get(service, 'endpoints'))
  const there = endpoints.some((endpoint) => get(endpoint, 'site') === home)
  if (typeof home === 'string' && endpoints.length > 0 && !there) {
    yield {
      path: [...path, 'ownership', 'home'],
      message: 'the service has no endpoint there',
      expected: 'a site of its endpoints',
      found: describe(home),
    }
  }
}
