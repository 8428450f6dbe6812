import { isLoopback, parseAddress } from './config-address.ts'
import { checkShares } from './config-checks-limits.ts'
import { checkAlerts } from './config-checks-alerts.ts'
import { checkControl } from './config-checks-control.ts'
import { checkCaches } from './config-checks-cache.ts'
import { checkDrills } from './config-checks-drills.ts'
import { checkFailover } from './config-checks-failover.ts'
import { checkGslb } from './config-checks-gslb.ts'
import { checkOwnership } from './config-checks-ownership.ts'
import { checkLogs } from './config-checks-logs.ts'
import { checkListener, checkListenersAndRoutes } from './config-checks-listener.ts'
import { checkProcesses } from './config-checks-process.ts'
import { checkReplication } from './config-checks-replication.ts'
import { checkServe } from './config-checks-serve.ts'
import { checkRollouts } from './config-checks-rollout.ts'
import { checkRoute } from './config-checks-route.ts'
import type { ConfigDocument, Finding, Path } from './config-document.ts'
import {
  checkAtMost,
  checkDoubles,
  checkReference,
  checkWeights,
  operand,
  type Operand,
} from './config-findings.ts'
import { describe } from './config-issues.ts'
import { entries, get, isObject, items } from './config-values.ts'
import type { Problem } from './problem.ts'
import { checkVirtualIp } from './providers/virtual-ip-checks.ts'

/**
 * What no single value shows: names that refer to nothing, doubles, times that contradict each other. `value` is the
 * parsed configuration, or the plain value of a file that the schema refused: parts of the wrong kind are passed over.
 */
export function checkConfig(value: unknown, document: ConfigDocument): Problem[] {
  const sites = get(value, 'sites')
  const services = get(value, 'services')
  const findings: Finding[] = [
    ...checkNames(value, sites),
    ...checkControl(value, document.value),
    ...checkRouteReferences(value),
    ...checkAddresses(value),
    ...entries(services).flatMap(([name, service]) => [...checkService(['services', name], service, sites)]),
    ...checkCaches(value),
    ...checkVirtualIp(value),
    ...checkGslb(value),
    ...checkDrills(value),
    ...checkAlerts(value),
    ...checkReplication(value),
    ...checkLogs(value),
    ...checkServe(value),
    ...checkProcesses(value),
    ...checkRollouts(value),
    ...items(get(value, 'routes')).flatMap((route, index) => [
      ...checkRoute(['routes', index], route, value),
    ]),
  ]
  return findings.map((finding) => document.place(finding))
}

function* checkNames(value: unknown, sites: unknown): Generator<Finding> {
  yield* checkWeights(
    ['sites'],
    entries(sites).map(([, site]) => site),
  )
  yield* checkDoubles(value, 'listeners', 'name')
  yield* checkDoubles(value, 'routes', 'name')
}

/** What routes name that stands elsewhere, besides services. */
function* checkRouteReferences(value: unknown): Generator<Finding> {
  const stores = get(value, 'stores') ?? {}
  const listeners = Object.fromEntries(
    items(get(value, 'listeners')).map((listener) => [String(get(listener, 'name')), listener]),
  )
  for (const [index, route] of items(get(value, 'routes')).entries()) {
    for (const [at, name] of items(get(route, 'listeners')).entries()) {
      yield* checkReference(['routes', index, 'listeners', at], name, listeners, 'listener')
    }
    for (const [step, filter] of items(get(route, 'filters')).entries()) {
      for (const kind of ['rateLimit', 'idempotency']) {
        const store = get(get(filter, kind), 'store')
        yield* checkReference(['routes', index, 'filters', step, kind, 'store'], store, stores, 'store')
      }
    }
  }
}

function* checkAddresses(value: unknown): Generator<Finding> {
  const dns = (key: string): Operand => operand(['dns'], get(value, 'dns'), [key])
  yield* checkAtMost(dns('ttlMin'), dns('ttlMax'))
  yield* checkDoubles(value, 'listeners', 'address', (address) => parseAddress(address)?.port === 0)
  for (const [index, listener] of items(get(value, 'listeners')).entries()) {
    const path: Path = ['listeners', index]
    yield* checkListener(path, listener, get(value, 'services'))
  }
  yield* checkListenersAndRoutes(value)

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

  if (endpoints.length === 0 && isObject(service) && get(service, 'registration') === false) {
    yield {
      path: [...path, 'endpoints'],
      message: 'missing',
      expected: 'at least one endpoint, since none may register',
    }
  }

  const at = (...keys: string[]): Operand => operand(path, service, keys)
  yield* checkAtMost(at('healthCheck', 'timeout'), at('healthCheck', 'interval'))
  yield* checkAtMost(at('timeouts', 'perTry'), at('timeouts', 'request'))
  yield* checkAtMost(at('detection', 'timeout'), at('detection', 'interval'))
  yield* checkFailover([...path, 'failover'], get(service, 'failover'), sites)
  yield* checkOwnership(path, service, sites)
  yield* checkAtMost(at('limits', 'queue', 'timeout'), at('timeouts', 'request'))
  yield* checkShares([...path, 'limits', 'shares'], get(get(service, 'limits'), 'shares'))

  if (get(service, 'cookieTtl') !== undefined) {
    const hashed = get(get(service, 'hashOn'), 'cookie') !== undefined
    if (!hashed || !['ring-hash', 'maglev'].includes(String(get(service, 'balance')))) {
      yield {
        path: [...path, 'cookieTtl'],
        message: 'nothing hashes a cookie here',
        expected: 'hashOn.cookie, and balance ring-hash or maglev',
      }
    }
  }

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
