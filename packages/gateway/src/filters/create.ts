import type { FilterConfig } from '@budao/model'
import { routeKeyCells } from '../idempotency/route-keys.ts'
import { createAccessLogFilter } from './access-log.ts'
import { CorsFilter } from './cors.ts'
import { faultCells, FaultFilter } from './fault.ts'
import type { Filter, FilterEnv } from './filter.ts'
import { HeadersFilter } from './headers.ts'
import { createModuleFilter } from './module.ts'
import { createRateLimitFilter, rateLimitCells } from './rate-limit.ts'

/** Those that are steps of the chain; keys of writes lie behind it. */
type ChainedFilter = Exclude<FilterConfig, { readonly idempotency: unknown }>

/**
 * Makes one filter of a route. Rejects with one sentence for people when it cannot work: a file that is missing or
 * wrong, settings that contradict one another. Whoever made it calls its `close`.
 *
 * Filters of the gateway's own never throw from a hook. A module of the user's own may: the engine contains that.
 */
export async function createFilter(config: ChainedFilter, env: FilterEnv): Promise<Filter> {
  if ('jwt' in config) {
    // Loaded where it is used: cryptography takes 10 MB that a gateway without tokens need not have.
    const { createJwtFilter } = await import('./jwt.ts')
    return createJwtFilter(config.jwt, env)
  }
  if ('rateLimit' in config) return createRateLimitFilter(config.rateLimit, env)
  if ('accessLog' in config) return createAccessLogFilter(config.accessLog, env)
  if ('cors' in config) return new CorsFilter(config.cors)
  if ('headers' in config) return new HeadersFilter(config.headers)
  if ('fault' in config) return new FaultFilter(config.fault, env)
  return createModuleFilter(config.module, env)
}

/** How many cells of shared memory that filter needs in its environment. */
export function filterCells(config: FilterConfig): number {
  if ('rateLimit' in config) return rateLimitCells(config.rateLimit)
  if ('idempotency' in config) return routeKeyCells
  return 'fault' in config ? faultCells : 0
}
