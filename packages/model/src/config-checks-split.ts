import type { Finding, Path } from './config-document.ts'
import { checkHeader, checkReference } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { stableRelease } from './config-split.ts'
import { entries, get, isObject, items } from './config-values.ts'

const WHOLE = 10_000

/** What no single value of `split` shows. */
export function* checkSplit(path: Path, route: unknown, config: unknown): Generator<Finding> {
  const split = get(route, 'split')
  if (!isObject(split)) return
  const shares = entries(get(split, 'releases'))
  let total = 0
  for (const [release, share] of shares) {
    if (release === stableRelease)
      yield {
        path: [...path, 'releases', release],
        message: 'not to be given',
        expected: 'the other releases: stable has what they leave',
      }
    if (typeof share === 'number') total += share
  }
  if (total > WHOLE)
    yield {
      path: [...path, 'releases'],
      message: 'too much',
      expected: `at most ${WHOLE} together`,
      found: `${total}`,
    }
  yield* checkReleases(path, split, route, get(config, 'services'))
  const lane = get(split, 'lane')
  yield* checkHeader([...path, 'lane'], lane)
  for (const [index, override] of items(get(split, 'overrides')).entries())
    yield* checkOverride([...path, 'overrides', index], override, get(config, 'sites'))
  yield* checkClaims(path, split, route)
}

/** A release that no endpoint has would send its users to stable for ever, which nobody means. */
function* checkReleases(path: Path, split: unknown, route: unknown, services: unknown): Generator<Finding> {
  const known = new Set([stableRelease])
  for (const backend of items(get(route, 'backends'))) {
    const service = get(services, String(get(backend, 'service')))
    // Endpoints that register name their release then.
    if (isObject(service) && items(get(service, 'endpoints')).length === 0) return
    for (const endpoint of items(get(service, 'endpoints'))) {
      const release = get(endpoint, 'release')
      if (typeof release === 'string') known.add(release)
    }
  }
  const named: [Path, unknown][] = [
    ...entries(get(split, 'releases')).map(([release]): [Path, unknown] => [
      [...path, 'releases', release],
      release,
    ]),
    ...items(get(split, 'overrides')).map((override, index): [Path, unknown] => [
      [...path, 'overrides', index, 'release'],
      get(override, 'release'),
    ]),
  ]
  const among = Object.fromEntries([...known].map((release) => [release, true]))
  for (const [at, release] of named) yield* checkReference(at, release, among, 'release')
}

function* checkOverride(path: Path, override: unknown, sites: unknown): Generator<Finding> {
  if (!isObject(override)) return
  for (const [index, site] of items(get(override, 'sites')).entries())
    yield* checkReference([...path, 'sites', index], site, sites, 'site')
  const version = get(override, 'appVersion')
  if (isObject(version) && get(version, 'from') === undefined && get(version, 'below') === undefined)
    yield { path: [...path, 'appVersion'], message: 'missing', expected: 'from, below or both' }
  const given = ['users', 'sites', 'appVersion'].some((key) => get(override, key) !== undefined)
  if (!given && entries(get(override, 'headers')).length === 0)
    yield {
      path,
      message: 'holds for everybody',
      expected: 'headers, users, sites, appVersion or several of them',
    }
}

function* checkClaims(path: Path, split: unknown, route: unknown): Generator<Finding> {
  const hasToken = items(get(route, 'filters')).some((filter) => get(filter, 'jwt') !== undefined)
  for (const [index, key] of items(get(split, 'by')).entries())
    if (!hasToken && typeof key === 'string' && key.startsWith('claim:'))
      yield {
        path: [...path, 'by', index],
        message: 'no token to take a claim from',
        expected: 'a `jwt` filter on this route',
        found: describe(key),
      }
}
