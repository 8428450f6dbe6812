import type { Finding, Path } from './config-document.ts'
import { checkReference } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { entries, get, items } from './config-values.ts'

const httpProtocols: readonly unknown[] = ['http', 'https']

/** What one listener's keys say together. */
export function* checkListener(path: Path, listener: unknown, services: unknown): Generator<Finding> {
  const protocol = get(listener, 'protocol')
  const tls = get(listener, 'tls')
  if (protocol === 'https' && tls === undefined) {
    const expected = '{ cert, key }, { certificates } or { acme } with protocol https'
    yield { path: [...path, 'tls'], message: 'missing', expected }
  }
  if (protocol === 'http' && tls !== undefined)
    yield { path: [...path, 'tls'], message: 'not with protocol http', hint: 'set protocol to https' }
  if (protocol === 'tls-passthrough' && tls !== undefined) {
    const hint = 'set protocol to tcp to end TLS here, or leave the certificate to the endpoints'
    yield { path: [...path, 'tls'], message: 'not with protocol tls-passthrough', hint }
  }
  const protocols = get(listener, 'protocols')
  if (Array.isArray(protocols) && protocols.length > 0) {
    const where = [...path, 'protocols']
    if (!httpProtocols.includes(protocol)) yield { path: where, message: 'only with protocol http or https' }
    else if (protocol === 'http' && !protocols.includes('http/1.1')) {
      const expected = '[h2, http/1.1] with protocol http'
      yield { path: where, message: 'only behind TLS', expected, found: describe(protocols) }
    }
  }
  if (protocol === 'tcp' && get(tls, 'hsts') !== undefined && get(tls, 'hsts') !== false) {
    const hint = 'its bytes need not be HTTP; set protocol to https'
    yield { path: [...path, 'tls', 'hsts'], message: 'not with protocol tcp', hint }
  }
  yield* checkWith(path, listener, 'service', ['tcp'], 'a key of services with protocol tcp')
  yield* checkWith(
    path,
    listener,
    'sni',
    ['tls-passthrough'],
    'names with their services with protocol tls-passthrough',
  )
  yield* checkReference([...path, 'service'], get(listener, 'service'), services, 'service')
  for (const [host, service] of entries(get(listener, 'sni')))
    yield* checkReference([...path, 'sni', host], service, services, 'service')
}

/** What the listeners need of the rest: routes where HTTP is spoken, and no PROXY header where requests share connections. */
export function* checkListenersAndRoutes(value: unknown): Generator<Finding> {
  const speaksHttp = items(get(value, 'listeners')).some((listener) =>
    httpProtocols.includes(get(listener, 'protocol')),
  )
  yield* checkChallenges(value)
  const routes = get(value, 'routes')
  if (speaksHttp && (routes === undefined || (Array.isArray(routes) && routes.length === 0)))
    yield { path: ['routes'], message: 'missing', expected: 'at least one route' }
  for (const [name, service] of entries(get(value, 'services'))) {
    if (get(service, 'proxyProtocol') === undefined) continue
    const path: Path = ['services', name, 'proxyProtocol']
    if (get(service, 'tls') !== undefined) yield { path, message: 'not with tls' }
    const index = items(routes).findIndex((route) => asks(route, name))
    if (index === -1) continue
    yield {
      path,
      message: 'not where requests of many clients share a connection',
      hint: `routes[${index}] asks this service; X-Forwarded-For says there who asks`,
    }
  }
}

/** An ACME directory asks over plain HTTP. */
function* checkChallenges(value: unknown): Generator<Finding> {
  const listeners = items(get(value, 'listeners'))
  const index = listeners.findIndex((listener) => get(get(listener, 'tls'), 'acme') !== undefined)
  if (index === -1 || listeners.some((listener) => get(listener, 'protocol') === 'http')) return
  const path: Path = ['listeners', index, 'tls', 'acme']
  const hint = 'the directory asks there, at port 80 of each name, whether the names are yours'
  yield { path, message: 'only beside a listener with protocol http', hint }
}

function asks(route: unknown, service: string): boolean {
  const fallback = get(get(route, 'fallback'), 'service')
  return (
    fallback === service ||
    items(get(route, 'backends')).some((backend) => get(backend, 'service') === service)
  )
}

/** The key is there exactly with these protocols. */
function* checkWith(
  path: Path,
  listener: unknown,
  key: string,
  protocols: readonly unknown[],
  expected: string,
): Generator<Finding> {
  const [protocol, value] = [get(listener, 'protocol'), get(listener, key)]
  const wanted = protocols.includes(protocol)
  if (wanted && value === undefined) yield { path: [...path, key], message: 'missing', expected }
  if (!wanted && value !== undefined && typeof protocol === 'string')
    yield { path: [...path, key], message: `not with protocol ${protocol}`, expected }
}
