import type { CachePurge, RouteConfig } from '@budao/model'
import { normalizeTarget } from '../routing/path.ts'
import { CacheKey, wholeUrl } from './cache-key.ts'

/** Which records a purge means, in the words of a store. All that is given must hold. */
export interface PurgeMatch {
  /** The key begins with one of these; empty: whatever the key. */
  readonly prefixes: readonly string[]
  /** It goes no further than that, but for what the answers of one URL vary by. */
  readonly whole: boolean
  readonly tag?: string
}

/**
 * A purge as stores understand it, for the routes that keep anything. Throws a RangeError for a URL that is none, with
 * what was expected.
 */
export function purgeMatch(
  { route, url, prefix, tag }: CachePurge,
  routes: readonly RouteConfig[],
): PurgeMatch {
  const keeping = routes.filter(
    ({ name, cache, fallback }) =>
      (cache !== undefined || fallback?.stale !== undefined) && (route === undefined || route === name),
  )
  const address = url ?? prefix
  const prefixes =
    address === undefined
      ? route === undefined
        ? []
        : [new CacheKey(route, wholeUrl).prefix]
      : keeping.map(({ name, cache }) => {
          const key = new CacheKey(name, { ...(cache?.key ?? wholeUrl), headers: [] })
          return url === undefined ? beginningOf(key, address) : key.of(viewOf(address))
        })
  return { prefixes, whole: url !== undefined, ...(tag === undefined ? {} : { tag }) }
}

/** Whether a record is meant. `tags` are asked for only where the key is. */
export function isMeant(match: PurgeMatch, key: string, tags: () => readonly string[]): boolean {
  const { prefixes, whole, tag } = match
  const meant = (prefix: string): boolean =>
    key.startsWith(prefix) && (!whole || key.length === prefix.length || key.charAt(prefix.length) === '\n')
  if (prefixes.length > 0 && !prefixes.some(meant)) return false
  return tag === undefined || tags().includes(tag)
}

/** The key of the address without its query: what begins with the address begins with it. */
function beginningOf(key: CacheKey, address: string): string {
  const url = urlOf(address)
  if (url.search !== '') return key.of(viewOf(address))
  return key.of(viewOf(`${url.origin}${url.pathname}`))
}

function viewOf(address: string) {
  const { protocol, host, hostname, pathname, search } = urlOf(address)
  const target = normalizeTarget(pathname + search)
  if (target === null) throw new RangeError(`${JSON.stringify(address)}: its path leads out of the site`)
  return {
    method: 'GET',
    // Keys are of routes, whichever listener those are for.
    listener: '',
    scheme: protocol === 'https:' ? ('https' as const) : ('http' as const),
    host: hostname,
    clientIp: '',
    ...target,
    header: (name: string): string | undefined => (name === 'host' ? host : undefined),
  }
}

function urlOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new RangeError(
    `expected an address such as https://shop.example/products, got ${JSON.stringify(address.slice(0, 200))}`,
  )
}
