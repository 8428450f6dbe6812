import { isLoopback, parseAddress } from './config-address.ts'
import type { ConfigDocument, Finding, Path } from './config-document.ts'
import { describe } from './config-issues.ts'
import { parseDuration } from './duration.ts'
import { nearest } from './nearest.ts'
import type { Problem } from './problem.ts'

/**
 * What no single value shows: names that refer to nothing, doubles, times that contradict each other. `value` is the
 * parsed configuration, or the plain value of a file that the schema refused: parts of the wrong kind are passed over.
 */
export function checkConfig(value: unknown, document: ConfigDocument): Problem[] {
  const sites = get(value, 'sites')
  const services = get(value, 'services')
  const findings: Finding[] = [
    ...checkNames(value, sites),
    ...checkAddresses(value),
    ...entries(services).flatMap(([name, service]) => [...checkService(['services', name], service, sites)]),
    ...items(get(value, 'routes')).flatMap((route, index) => [
      ...checkRoute(['routes', index], route, services),
    ]),
  ]
  return findings.map((finding) => document.place(finding))
}

function* checkNames(value: unknown, sites: unknown): Generator<Finding> {
  yield* checkReference(['node', 'site'], get(get(value, 'node'), 'site'), sites, 'site')
  yield* checkWeights(
    ['sites'],
    entries(sites).map(([, site]) => site),
  )
  yield* checkDoubles(value, 'listeners', 'name')
  yield* checkDoubles(value, 'routes', 'name')
}

function* checkAddresses(value: unknown): Generator<Finding> {
  yield* checkDoubles(value, 'listeners', 'address', (address) => parseAddress(address)?.port === 0)
  for (const [index, listener] of items(get(value, 'listeners')).entries()) {
    const path: Path = ['listeners', index]
    const protocol = get(listener, 'protocol')
    if (protocol === 'https' && get(listener, 'tls') === undefined) {
      yield { path: [...path, 'tls'], message: 'missing', expected: '{ cert, key } with protocol https' }
    }
    if (protocol === 'http' && get(listener, 'tls') !== undefined) {
      yield { path: [...path, 'tls'], message: 'not with protocol http', hint: 'set protocol to https' }
    }
  }

  const admin = get(value, 'admin')
  const address = get(admin, 'address')
  const tokens = get(admin, 'tokens')
  if (typeof address === 'string') {
    const path: Path = ['admin', 'address']
    const host = parseAddress(address)?.host
    if (host !== undefined && !isLoopback(host) && tokens === undefined) {
      yield {
        path,
        message: 'open to the network without tokens',
        expected: 'a loopback address, or admin.tokens',
        found: describe(address),
      }
    }
    const taken = items(get(value, 'listeners')).some((listener) => get(listener, 'address') === address)
    if (taken && parseAddress(address)?.port !== 0) {
      yield { path, message: 'address given twice', found: describe(address), hint: 'a listener has it too' }
    }
  }
  if (isObject(tokens)) yield* checkTokens(tokens)
}

function* checkTokens(tokens: object): Generator<Finding> {
  const path: Path = ['admin', 'tokens']
  const [viewer, operator] = [get(tokens, 'viewer'), get(tokens, 'operator')]
  if (Object.keys(tokens).length === 0)
    yield { path, message: 'missing', expected: 'viewer, operator or both' }
  if (viewer !== undefined && viewer === operator) {
    yield {
      path: [...path, 'viewer'],
      message: 'the same token twice',
      expected: 'another one than operator',
    }
  }
}

function* checkService(path: Path, service: unknown, sites: unknown): Generator<Finding> {
  const endpoints = items(get(service, 'endpoints'))
  for (const [index, endpoint] of endpoints.entries()) {
    yield* checkReference([...path, 'endpoints', index, 'site'], get(endpoint, 'site'), sites, 'site')
  }
  yield* checkDoubles(service, 'endpoints', 'address', undefined, path)
  yield* checkWeights([...path, 'endpoints'], endpoints)

  const at = (...keys: string[]): Operand => operand(path, service, keys)
  yield* checkAtMost(at('healthCheck', 'timeout'), at('healthCheck', 'interval'))
  yield* checkAtMost(at('timeouts', 'perTry'), at('timeouts', 'request'))
  yield* checkAtMost(at('detection', 'timeout'), at('detection', 'interval'))

  // A trial that lasts longer than its lease ends too late to decide: the breaker would stay half-open.
  const [lease, request] = [at('breaker', 'trialLease'), at('timeouts', 'request').ms]
  if (lease.ms !== undefined && request !== undefined && lease.ms < request) {
    yield {
      path: lease.path,
      message: 'shorter than timeouts.request',
      expected: `at least ${request}ms`,
      found: `${lease.ms}ms`,
    }
  }
  const [window, buckets] = [at('breaker', 'window').ms, get(get(service, 'breaker'), 'buckets')]
  if (window !== undefined && typeof buckets === 'number' && window < buckets) {
    yield {
      path: [...path, 'breaker', 'window'],
      message: 'bad value',
      expected: 'at least 1ms for each bucket',
    }
  }
}

function* checkRoute(path: Path, route: unknown, services: unknown): Generator<Finding> {
  const backends = items(get(route, 'backends'))
  for (const [index, backend] of backends.entries()) {
    yield* checkReference(
      [...path, 'backends', index, 'service'],
      get(backend, 'service'),
      services,
      'service',
    )
  }
  yield* checkDoubles(route, 'backends', 'service', undefined, path)
  yield* checkWeights([...path, 'backends'], backends)
  yield* checkAtMost(operand(path, route, ['perTry']), operand(path, route, ['timeout']))

  const fallback = get(route, 'fallback')
  if (isObject(fallback)) {
    yield* checkReference([...path, 'fallback', 'service'], get(fallback, 'service'), services, 'service')
    if (['stale', 'service', 'json'].every((key) => get(fallback, key) === undefined)) {
      yield {
        path: [...path, 'fallback'],
        message: 'missing',
        expected: 'stale, service, json or several of them',
      }
    }
  }
  for (const [index, filter] of items(get(route, 'filters')).entries()) {
    yield* checkFilter([...path, 'filters', index], filter)
  }
}

function* checkFilter(path: Path, filter: unknown): Generator<Finding> {
  const cors = get(filter, 'cors')
  const anyOrigin = items(get(cors, 'origins') ?? ['*']).includes('*')
  if (get(cors, 'credentials') === true && anyOrigin) {
    // Browsers refuse the pair; answering with the caller's origin instead would open the API to every page.
    yield {
      path: [...path, 'cors', 'credentials'],
      message: 'not with origin "*"',
      expected: 'false, or the origins by name',
    }
  }
  for (const side of ['request', 'response'] as const) {
    const edit = get(get(filter, 'headers'), side)
    for (const [header] of entries(get(edit, 'set'))) {
      yield* checkHeader([...path, 'headers', side, 'set', header], header)
    }
    for (const [index, header] of items(get(edit, 'remove')).entries()) {
      yield* checkHeader([...path, 'headers', side, 'remove', index], header)
    }
  }
  for (const [claim, header] of entries(get(get(filter, 'jwt'), 'forwardClaims'))) {
    yield* checkHeader([...path, 'jwt', 'forwardClaims', claim], header)
  }
}

/** Changing these would make two readers of one message disagree about where it ends. */
const framingHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function* checkHeader(path: Path, header: unknown): Generator<Finding> {
  if (typeof header === 'string' && framingHeaders.has(header.toLowerCase())) {
    yield {
      path,
      message: 'not a header to change',
      expected: 'one that does not frame messages',
      found: describe(header),
    }
  }
}

function* checkReference(path: Path, name: unknown, among: unknown, kind: string): Generator<Finding> {
  if (typeof name !== 'string' || !isObject(among) || Object.hasOwn(among, name)) return
  const known = Object.keys(among)
  const close = nearest(name, known)
  yield {
    path,
    message: `unknown ${kind}`,
    expected: known.length === 0 ? `a ${kind}` : `one of ${known.join(', ')}`,
    found: describe(name),
    ...(close === undefined ? {} : { hint: `did you mean \`${close}\`?` }),
  }
}

function* checkDoubles(
  parent: unknown,
  list: string,
  key: string,
  allowed: (text: string) => boolean = () => false,
  path: Path = [],
): Generator<Finding> {
  const first = new Map<string, number>()
  for (const [index, item] of items(get(parent, list)).entries()) {
    const text = get(item, key)
    if (typeof text !== 'string' || allowed(text)) continue
    const before = first.get(text)
    if (before === undefined) first.set(text, index)
    else {
      yield {
        path: [...path, list, index, key],
        message: `${key} given twice`,
        found: describe(text),
        hint: `${list}[${before}] has it too`,
      }
    }
  }
}

function* checkWeights(path: Path, weighted: readonly unknown[]): Generator<Finding> {
  if (weighted.length > 0 && weighted.every((item) => get(item, 'weight') === 0)) {
    yield { path, message: 'all weights are 0', expected: 'at least one above 0' }
  }
}

interface Operand {
  readonly path: Path
  readonly ms: number | undefined
  readonly written: string
}

function operand(path: Path, from: unknown, keys: readonly string[]): Operand {
  const value = keys.reduce(get, from)
  const ms = typeof value === 'string' ? parseDuration(value) : typeof value === 'number' ? value : undefined
  return { path: [...path, ...keys], ms, written: keys.join('.') }
}

function* checkAtMost(smaller: Operand, larger: Operand): Generator<Finding> {
  if (smaller.ms === undefined || larger.ms === undefined || smaller.ms <= larger.ms) return
  yield {
    path: smaller.path,
    message: `longer than ${larger.written}`,
    expected: `at most ${larger.ms}ms`,
    found: `${smaller.ms}ms`,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function get(from: unknown, key: string): unknown {
  return isObject(from) && Object.hasOwn(from, key) ? from[key] : undefined
}

function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : []
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
