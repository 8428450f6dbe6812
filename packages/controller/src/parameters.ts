import { eventKinds } from '@budao/model'
import type { EventKind } from '@budao/model'
import type { BreakerRequest, BreakerTarget, EventQuery } from './admin-source.ts'
import { ApiError } from './api-error.ts'

const limitMax = 2_000
const reasonMax = 500
const targets: readonly BreakerTarget[] = ['open', 'closed', 'auto']

/** Reads `after`, `limit` and `kind`; a Last-Event-ID header wins over `after`, as a resuming browser sends both. */
export function eventQuery(query: unknown, lastEventId?: string | string[]): EventQuery {
  const given = query as Record<string, unknown>
  onlyKeys(given, ['after', 'limit', 'kind'], 'query parameter')
  const after = integer('after', lastEventId || given['after'], 0, Number.MAX_SAFE_INTEGER)
  const limit = integer('limit', given['limit'], 1, limitMax)
  const kind = given['kind']
  if (kind !== undefined && !isEventKind(kind)) {
    throw bad(`kind must be an event kind, got ${show(kind)}`, `One of ${eventKinds.join(', ')}.`)
  }
  return {
    ...(after === undefined ? {} : { after }),
    ...(limit === undefined ? {} : { limit }),
    ...(kind === undefined ? {} : { kind }),
  }
}

/** Reads the body of a breaker request. */
export function breakerBody(body: unknown): Omit<BreakerRequest, 'service'> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw bad(
      `the body must be a JSON object, got ${show(body)}`,
      'For example {"to": "open", "reason": "…"}.',
    )
  }
  const given = body as Record<string, unknown>
  onlyKeys(given, ['to', 'reason', 'endpoint'], 'key')
  const { to, reason, endpoint } = given
  if (!isTarget(to)) throw bad(`to must be open, closed or auto, got ${show(to)}`)
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > reasonMax) {
    throw bad(`reason must be a text of 1 to ${reasonMax} characters, got ${show(reason)}`)
  }
  if (endpoint !== undefined && typeof endpoint !== 'string') {
    throw bad(`endpoint must be the address of an endpoint, got ${show(endpoint)}`)
  }
  return { to, reason: reason.trim(), ...(endpoint === undefined ? {} : { endpoint }) }
}

/** For routes that take no parameters: a misspelt one must not be ignored silently. */
export function noQuery(query: unknown): void {
  onlyKeys(query as Record<string, unknown>, [], 'query parameter')
}

function onlyKeys(given: Record<string, unknown>, allowed: readonly string[], what: string): void {
  const unknown = Object.keys(given).find((key) => !allowed.includes(key))
  if (unknown === undefined) return
  const expected = allowed.length === 0 ? 'none is expected' : `expected ${allowed.join(', ')}`
  throw bad(`unknown ${what} ${show(unknown)}: ${expected}`)
}

function integer(name: string, value: unknown, min: number, max: number): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : NaN
  if (number >= min && number <= max) return number
  throw bad(`${name} must be a whole number from ${min} to ${max}, got ${show(value)}`)
}

const isEventKind = (value: unknown): value is EventKind => (eventKinds as readonly unknown[]).includes(value)

const isTarget = (value: unknown): value is BreakerTarget => (targets as readonly unknown[]).includes(value)

const bad = (message: string, hint?: string): ApiError =>
  new ApiError('bad-parameter', message, hint === undefined ? {} : { hint })

const show = (value: unknown): string =>
  value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100)
