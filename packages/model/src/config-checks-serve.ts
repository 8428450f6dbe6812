import { isLoopback, parseAddress } from './config-address.ts'
import type { Finding, Path } from './config-document.ts'
import { checkReference } from './config-findings.ts'
import { entries, get, isObject, items } from './config-values.ts'

/** What routes with `serve` need of the rest of a configuration. */
export function* checkServe(value: unknown): Generator<Finding> {
  const routes = items(get(value, 'routes'))
  const sessionKeys = new Set(routes.map((route) => get(get(get(serveOf(route), 'session'), 'token'), 'key')))
  for (const [index, route] of routes.entries()) {
    const path: Path = ['routes', index, 'serve']
    const serve = serveOf(route)
    yield* checkChannels([...path, 'channels'], get(serve, 'channels'), routes, sessionKeys)
    yield* checkSession([...path, 'session'], get(serve, 'session'), route, value)
    yield* checkAccessToken([...path, 'accessToken'], get(serve, 'accessToken'), route, value)
  }
}

function serveOf(route: unknown): unknown {
  return get(route, 'serve')
}

function* checkChannels(
  path: Path,
  channels: unknown,
  routes: readonly unknown[],
  sessionKeys: ReadonlySet<unknown>,
): Generator<Finding> {
  if (!isObject(channels)) return
  const [order, version, file] = ['order', 'version', 'file'].map((key) => get(channels, key))
  if (file === undefined && order === undefined)
    yield { path: [...path, 'order'], message: 'missing', expected: 'order with version, or file' }
  if (file === undefined && order !== undefined && version === undefined)
    yield { path: [...path, 'version'], message: 'missing', expected: 'a number that rises with each change' }
  if (file !== undefined) {
    for (const [key, given] of [
      ['order', order],
      ['version', version],
    ] as const)
      if (given !== undefined) yield { path: [...path, key], message: 'not with file' }
  }
  if (new Set(items(order)).size < items(order).length)
    yield { path: [...path, 'order'], message: 'an origin given twice' }
  // A list is public: where tokens are checked with the same key it would be a token for everybody.
  const key = get(channels, 'key')
  const forTokens = sessionKeys.has(key) || jwtKeys(routes).has(key)
  if (key !== undefined && forTokens)
    yield { path: [...path, 'key'], message: 'also the key of tokens', expected: 'a key for lists alone' }
}

function jwtKeys(routes: readonly unknown[]): ReadonlySet<unknown> {
  const filters = routes.flatMap((route) => items(get(route, 'filters'))).map((filter) => get(filter, 'jwt'))
  return new Set(
    filters.flatMap((jwt) => [
      get(jwt, 'jwks'),
      ...items(get(jwt, 'issuers')).map((each) => get(each, 'jwks')),
    ]),
  )
}

function* checkSession(path: Path, session: unknown, route: unknown, value: unknown): Generator<Finding> {
  if (!isObject(session)) return
  const identity = get(value, 'identity') ?? {}
  const provider = get(session, 'provider')
  const names = Array.isArray(provider) ? provider : [provider]
  for (const [index, name] of names.entries()) {
    const place: Path = [...path, 'provider', ...(typeof provider === 'string' ? [] : [index])]
    yield* checkReference(place, name, identity, 'identity provider')
    const test = get(get(identity, String(name)), 'test')
    if (isObject(test) && get(test, 'onNetwork') !== true && !onLoopback(route, value)) {
      yield {
        path: place,
        message: 'a test provider where not all listeners are on loopback: everybody could be anybody',
        expected: 'listeners on loopback, or onNetwork: true',
      }
    }
  }
  const refresh = get(session, 'refresh')
  const [idle, most] = [get(refresh, 'idleDays'), get(refresh, 'maxDays')]
  if (typeof idle === 'number' && typeof most === 'number' && idle > most)
    yield {
      path: [...path, 'refresh', 'idleDays'],
      message: 'longer than maxDays',
      expected: `at most ${most}`,
    }
}

function* checkAccessToken(path: Path, wanted: unknown, route: unknown, value: unknown): Generator<Finding> {
  if (!isObject(wanted)) return
  const identity = get(value, 'identity') ?? {}
  const name = get(wanted, 'provider')
  yield* checkReference([...path, 'provider'], name, identity, 'identity provider')
  if (get(get(identity, String(name)), 'test') !== undefined)
    yield { path: [...path, 'provider'], message: 'a test provider has no access token' }
  if (onLoopback(route, value)) return
  const guards = items(get(route, 'filters')).filter(
    (filter) => entries(get(get(filter, 'jwt'), 'requireClaims')).length > 0,
  )
  if (guards.length > 0) return
  yield {
    path,
    message: 'open to the network: who has this token acts as the app',
    expected: 'listeners on loopback alone, or a jwt filter with requireClaims that no user’s token has',
  }
}

/** Whether a route can be reached from this machine alone. */
function onLoopback(route: unknown, value: unknown): boolean {
  const named = get(route, 'listeners')
  const listeners = items(get(value, 'listeners')).filter(
    (listener) => named === undefined || items(named).includes(get(listener, 'name')),
  )
  return listeners.every((listener) => isLoopback(parseAddress(String(get(listener, 'address')))?.host ?? ''))
}
