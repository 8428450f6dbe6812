import type { Finding, Path } from './config-document.ts'
import { checkIdempotency } from './config-checks-idempotency.ts'
import { checkSplit } from './config-checks-split.ts'
import { checkAggregate, checkMirror, checkSticky } from './config-checks-traffic.ts'
import {
  checkAtMost,
  checkDoubles,
  checkHeader,
  checkReference,
  checkWeights,
  operand,
} from './config-findings.ts'
import { entries, get, isObject, items } from './config-values.ts'

/** What no single value of a route shows. */
export function* checkRoute(path: Path, route: unknown, config: unknown): Generator<Finding> {
  const services = get(config, 'services')
  const backends = items(get(route, 'backends'))
  for (const [index, backend] of backends.entries()) {
    yield* checkReference(
      [...path, 'backends', index, 'service'],
      get(backend, 'service'),
      services,
      'service',
    )
  }
  yield* checkAnswer(path, route, services)
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
  yield* checkIdempotency(path, route)
  yield* checkSplit([...path, 'split'], route, config)
}

/** Who answers: exactly one of these. */
const answers = ['backends', 'respond', 'redirect', 'aggregate', 'serve'] as const

/** Keys that mean nothing where no service is asked. */
const forBackends = [
  'rewrite',
  'timeout',
  'perTry',
  'cache',
  'fallback',
  'sticky',
  'split',
  'mirror',
] as const

function* checkAnswer(path: Path, route: unknown, services: unknown): Generator<Finding> {
  if (!isObject(route)) return
  const given = answers.filter((key) =>
    key === 'backends' ? items(get(route, key)).length > 0 : get(route, key) !== undefined,
  )
  const [first] = given
  if (first === undefined) {
    yield { path: [...path, 'backends'], message: 'missing', expected: `one of ${answers.join(', ')}` }
    return
  }
  for (const key of given.slice(1)) yield { path: [...path, key], message: `not with ${first}` }
  if (first !== 'backends') {
    for (const key of forBackends) {
      // Where `timeout` is given, `perTry` has it as its default.
      if (get(route, key) === undefined || (key === 'perTry' && get(route, 'timeout') !== undefined)) continue
      yield { path: [...path, key], message: `not with ${first}` }
    }
  }
  yield* checkAggregate([...path, 'aggregate'], route, services)
  yield* checkMirror([...path, 'mirror'], route, services)
  yield* checkSticky([...path, 'sticky'], route)
  yield* checkRespond([...path, 'respond'], get(route, 'respond'))
  yield* checkPathChange([...path, 'redirect'], get(route, 'redirect'), ['scheme', 'host', 'port'])
  yield* checkPathChange([...path, 'rewrite'], get(route, 'rewrite'), ['host'])
}

function* checkRespond(path: Path, respond: unknown): Generator<Finding> {
  const status = get(respond, 'status')
  const bodies = (['body', 'json'] as const).filter((key) => get(respond, key) !== undefined)
  if (bodies.length === 2) yield { path: [...path, 'json'], message: 'not with body' }
  if (bodies.length > 0 && (status === 204 || status === 205 || status === 304))
    yield { path: [...path, bodies[0]!], message: `not with status ${status}`, hint: 'it has no body' }
  for (const [header] of entries(get(respond, 'headers')))
    yield* checkHeader([...path, 'headers', header], header)
}

function* checkPathChange(path: Path, change: unknown, others: readonly string[]): Generator<Finding> {
  if (!isObject(change)) return
  if (get(change, 'path') !== undefined && get(change, 'prefix') !== undefined)
    yield { path: [...path, 'prefix'], message: 'not with path' }
  const keys = [...others, 'path', 'prefix']
  if (keys.every((key) => get(change, key) === undefined))
    yield { path, message: 'missing', expected: `one of ${keys.join(', ')}` }
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
  const fault = get(filter, 'fault')
  if (isObject(fault) && get(fault, 'delay') === undefined && get(fault, 'abort') === undefined)
    yield { path: [...path, 'fault'], message: 'missing', expected: 'delay, abort or both' }
  for (const side of ['request', 'response'] as const) {
    const edit = get(get(filter, 'headers'), side)
    for (const way of ['set', 'add'] as const) {
      for (const [header] of entries(get(edit, way)))
        yield* checkHeader([...path, 'headers', side, way, header], header)
    }
    for (const [index, header] of items(get(edit, 'remove')).entries()) {
      yield* checkHeader([...path, 'headers', side, 'remove', index], header)
    }
  }
  const jwt = get(filter, 'jwt')
  if (isObject(jwt) && get(jwt, 'jwks') === undefined) {
    if (items(get(jwt, 'issuers')).length === 0)
      yield { path: [...path, 'jwt', 'jwks'], message: 'missing', expected: 'jwks, issuers or both' }
    for (const key of ['issuer', 'audience'].filter((each) => get(jwt, each) !== undefined))
      yield { path: [...path, 'jwt', key], message: 'not without jwks', hint: 'write it in issuers' }
  }
  for (const [claim, header] of entries(get(jwt, 'forwardClaims'))) {
    yield* checkHeader([...path, 'jwt', 'forwardClaims', claim], header)
  }
}
