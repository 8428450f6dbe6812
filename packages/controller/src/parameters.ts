import { eventKinds } from '@budao/model'
import type { EventKind } from '@budao/model'
import { drillPhases } from './admin-source.ts'
import type { BreakerRequest, BreakerTarget, DrillNote, DrillPhase, EventQuery } from './admin-source.ts'
import { ApiError } from './api-error.ts'

const limitMax = 2_000
const textMax = 500
const evidenceKeysMax = 40
const targets: readonly BreakerTarget[] = ['open', 'closed', 'auto']

/** Reads `after`, `limit` and `kind`; a Last-Event-ID header wins over `after`, as a resuming browser sends both. */
export function eventQuery(query: unknown, lastEventId?: string | string[]): EventQuery {
  const given = query as Record<string, unknown>
  onlyKeys(given, ['after', 'limit', 'kind'], 'query parameter')
  const after = integer('after', lastEventId || given['after'], 0, Number.MAX_SAFE_INTEGER)
  const limit = integer('limit', given['limit'], 1, limitMax)
  const kind = given['kind']
  if (kind !== undefined && !isEventKind(kind) && !isEventGroup(kind)) {
    throw badParameter(
      `kind must be an event kind, or a group of them such as breaker.*, got ${show(kind)}`,
      `One of ${eventKinds.join(', ')}.`,
    )
  }
  return {
    ...(after === undefined ? {} : { after }),
    ...(limit === undefined ? {} : { limit }),
    ...(kind === undefined ? {} : { kind }),
  }
}

/** Reads the body of a breaker request. */
export function breakerBody(body: unknown): Omit<BreakerRequest, 'service'> {
  const given = object('the body', body, 'For example {"to": "open", "reason": "…"}.')
  onlyKeys(given, ['to', 'reason', 'endpoint'], 'key')
  const { to, reason, endpoint } = given
  if (!isTarget(to)) throw badParameter(`to must be open, closed or auto, got ${show(to)}`)
  const why = text('reason', reason)
  if (endpoint !== undefined && typeof endpoint !== 'string') {
    throw badParameter(`endpoint must be the address of an endpoint, got ${show(endpoint)}`)
  }
  return { to, reason: why, ...(endpoint === undefined ? {} : { endpoint }) }
}

/** Reads the body of a drill's note. Whether there is such a site is for the caller to find out. */
export function drillBody(body: unknown): DrillNote {
  const given = object('the body', body, 'For example {"phase": "started", "site": "…", …}.')
  onlyKeys(given, ['phase', 'site', 'message', 'reason', 'evidence'], 'key')
  const { phase, site, reason } = given
  if (!isPhase(phase))
    throw badParameter(`phase must be one of ${drillPhases.join(', ')}, got ${show(phase)}`)
  if (typeof site !== 'string') throw badParameter(`site must be the name of a site, got ${show(site)}`)
  return {
    phase,
    site,
    message: text('message', given['message']),
    ...(reason === undefined ? {} : { reason: text('reason', reason) }),
    evidence: flatRecord('evidence', given['evidence']),
  }
}

/** For routes that take no parameters: a misspelt one must not be ignored silently. */
export function noQuery(query: unknown): void {
  onlyKeys(query as Record<string, unknown>, [], 'query parameter')
}

/** A JSON object. Throws `bad-parameter`. */
export function object(name: string, value: unknown, hint?: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw badParameter(`${name} must be a JSON object, got ${show(value)}`, hint)
}

/** A text of 1 to 500 characters, trimmed. */
export function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= textMax) return value.trim()
  throw badParameter(`${name} must be a text of 1 to ${textMax} characters, got ${show(value)}`)
}

function flatRecord(name: string, value: unknown): DrillNote['evidence'] {
  const record = object(name, value)
  const keys = Object.keys(record)
  if (keys.length > evidenceKeysMax) {
    throw badParameter(`${name} must have at most ${evidenceKeysMax} keys, got ${keys.length}`)
  }
  const deep = keys.find((key) => !isFlat(record[key]))
  if (deep === undefined) return record as DrillNote['evidence']
  throw badParameter(
    `${name}.${deep.slice(0, 100)} must be a text, number, boolean or null, got ${show(record[deep])}`,
  )
}

/** A misspelt key must not be ignored silently. */
export function onlyKeys(given: Record<string, unknown>, allowed: readonly string[], what: string): void {
  const unknown = Object.keys(given).find((key) => !allowed.includes(key))
  if (unknown === undefined) return
  const expected = allowed.length === 0 ? 'none is expected' : `expected ${allowed.join(', ')}`
  throw badParameter(`unknown ${what} ${show(unknown)}: ${expected}`)
}

/** A whole number of a query, undefined where it is left out. */
export function integer(name: string, value: unknown, min: number, max: number): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : NaN
  if (number >= min && number <= max) return number
  throw badParameter(`${name} must be a whole number from ${min} to ${max}, got ${show(value)}`)
}

const isEventKind = (value: unknown): value is EventKind => (eventKinds as readonly unknown[]).includes(value)

const isEventGroup = (value: unknown): value is `${string}.*` =>
  typeof value === 'string' &&
  value.endsWith('.*') &&
  eventKinds.some((kind) => kind.startsWith(value.slice(0, -1)))

/** JSON can hold numbers beyond all bounds, such as 1e999: as events are written, they would become null. */
const isFlat = (value: unknown): boolean =>
  value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)

const isPhase = (value: unknown): value is DrillPhase => (drillPhases as readonly unknown[]).includes(value)

const isTarget = (value: unknown): value is BreakerTarget => (targets as readonly unknown[]).includes(value)

/** The refusal of a parameter. */
export const badParameter = (message: string, hint?: string): ApiError =>
  new ApiError('bad-parameter', message, hint === undefined ? {} : { hint })

/** A value as a message shows it: short. */
export const show = (value: unknown): string =>
  value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100)
