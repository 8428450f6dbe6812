/**
 * What became of a request on a route with a cache, as the metrics count it.
 *
 * hit             given from the cache
 * stale           given beyond its lifetime, and fetched anew meanwhile
 * stale-if-error  given because the service could not answer
 * revalidated     given after the origin had confirmed it
 * coalesced       given the answer to an equal request that was under way
 * miss            answered by the service
 * bypass          answered by the service because the cache has nothing to do with such requests
 */
export const cacheOutcomes = [
  'hit',
  'stale',
  'stale-if-error',
  'revalidated',
  'coalesced',
  'miss',
  'bypass',
] as const

/** One of `cacheOutcomes`. */
export type CacheOutcome = (typeof cacheOutcomes)[number]
