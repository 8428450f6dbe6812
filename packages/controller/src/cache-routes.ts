import type { CachePurge } from '@budao/model'
import type { AdminRoute, AdminRoutesOptions } from './admin-routes.ts'
import { ApiError } from './api-error.ts'
import { badParameter, object, onlyKeys, show } from './parameters.ts'
import { within } from './within.ts'

/** A large cache is looked through from one end to the other. */
const purgeTimeoutMs = 30_000
const textMax = 2_048

/** The part of the API that is about kept answers. */
export function cacheRoutes({ source, log }: AdminRoutesOptions): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      url: '/api/v1/cache/purge',
      role: 'operator',
      async handle(request) {
        const purge = purgeBody(request.body)
        log.info({ from: request.ip, ...purge }, 'cache purged')
        return { ok: true, removed: await within(purgeTimeoutMs, () => purged(purge)) }
      },
    },
  ]

  async function purged(purge: CachePurge): Promise<number> {
    try {
      return await source.purgeCache(purge)
    } catch (error) {
      const { message } = error as Error
      if (error instanceof RangeError) throw badParameter(message)
      throw new ApiError('store-away', `not everything was purged: ${message}`, {
        hint: 'Purge again when the event store.back has come.',
      })
    }
  }
}

/** Reads what is to be purged. Everything only by name, so that a forgotten key does not empty the cache. */
function purgeBody(body: unknown): CachePurge {
  const hint = 'For example {"url": "https://shop.example/products?page=1"}, or {"all": true}.'
  const given = object('the body', body, hint)
  onlyKeys(given, ['route', 'url', 'prefix', 'tag', 'all'], 'key')
  const { all, ...named } = given
  for (const [key, value] of Object.entries(named)) {
    if (typeof value !== 'string' || value === '' || value.length > textMax)
      throw badParameter(`${key} must be a text of 1 to ${textMax} characters, got ${show(value)}`)
  }
  if (all !== undefined && all !== true) throw badParameter(`all must be true, got ${show(all)}`)
  const names = Object.keys(named)
  if (names.length === 0 && all !== true)
    throw badParameter('nothing to purge: expected route, url, prefix, tag or all', hint)
  if (names.length > 0 && all === true)
    throw badParameter(`all goes with nothing else, got ${names.join(', ')}`)
  if ('url' in named && 'prefix' in named) throw badParameter('url and prefix: give one of them')
  return named
}
