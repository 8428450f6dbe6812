import type { Finding, Path } from './config-document.ts'
import { checkReference } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { entries, get, isObject, items } from './config-values.ts'

/** What no single value of `caches`, and of what routes say of them, shows. */
export function* checkCaches(value: unknown): Generator<Finding> {
  const caches = get(value, 'caches')
  for (const [name, cache] of entries(caches))
    yield* checkCache(['caches', name], cache, get(value, 'stores'))
  // The cache `default` is there without being named.
  const known = { default: {}, ...(isObject(caches) ? caches : {}) }
  for (const [index, route] of items(get(value, 'routes')).entries())
    yield* checkReference(['routes', index, 'cache', 'in'], get(get(route, 'cache'), 'in'), known, 'cache')
}

function* checkCache(path: Path, cache: unknown, stores: unknown): Generator<Finding> {
  const [bytes, entryBytes, store] = [get(cache, 'bytes'), get(cache, 'entryBytes'), get(cache, 'store')]
  yield* checkReference([...path, 'store'], store, stores ?? {}, 'store')
  if (store !== undefined || typeof bytes !== 'number' || typeof entryBytes !== 'number') return
  // A cache in memory is a few rings, and an answer takes at most a quarter of one.
  if (entryBytes * 5 <= bytes) return
  yield {
    path: [...path, 'entryBytes'],
    message: 'too large for this cache',
    expected: `at most a fifth of bytes, ${Math.floor(bytes / 5)}`,
    found: describe(entryBytes),
  }
}
