import type { Finding, Path } from './config-document.ts'
import { checkReference, operand } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { get, isObject, items } from './config-values.ts'

/** Sites that do not exist, times that leave the holder of a lease none, assertions under which nothing may ever move. */
export function* checkFailover(path: Path, failover: unknown, sites: unknown): Generator<Finding> {
  if (!isObject(failover)) return
  const order = items(get(failover, 'order'))
  for (const [index, site] of order.entries()) {
    yield* checkReference([...path, 'order', index], site, sites, 'site')
    if (order.indexOf(site) !== index) {
      yield { path: [...path, 'order', index], message: 'site given twice', found: describe(site) }
    }
  }
  const guard = operand(path, failover, ['guard'])
  const leaseMs = operand(path, failover, ['lease']).ms ?? 2500
  if (guard.ms !== undefined && guard.ms * 4 > leaseMs) {
    yield {
      path: guard.path,
      message: 'leaves too little of the lease',
      expected: `at most ${Math.floor(leaseMs / 4)}ms, a quarter of it`,
      found: `${guard.ms}ms`,
    }
  }
  const minSites = get(failover, 'minSites')
  const count = isObject(sites) ? Object.keys(sites).length : 0
  if (typeof minSites === 'number' && count > 0 && minSites >= Math.max(count, 2)) {
    yield {
      path: [...path, 'minSites'],
      message: 'no site could ever be left',
      expected: `less than the ${count} sites`,
      found: String(minSites),
    }
  }
}
