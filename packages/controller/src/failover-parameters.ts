import type { AuditQuery, AutomationChange, AutomationScope, MoveWish, SiteDrainWish } from '@budao/model'
import { badParameter, integer, object, onlyKeys, show, text } from './parameters.ts'

const auditLimitMax = 2_000
const byMax = 100
const kinds = ['failover', 'switchover', 'failback'] as const
const automations = ['on', 'advise', 'off'] as const

/** A move as it is asked for: without `to` the rules choose. */
export type MoveBody = Omit<MoveWish, 'unit' | 'to'> & { readonly to: string | null }

/** Reads the body of a move. */
export function moveBody(body: unknown): MoveBody {
  const given = object('the body', body, 'For example {"kind": "switchover", "to": "west", "reason": "…"}.')
  onlyKeys(given, ['kind', 'to', 'reason', 'by', 'force'], 'key')
  const { kind, to, force = false } = given
  if (!isOneOf(kinds, kind)) throw badParameter(`kind must be ${wordsOf(kinds)}, got ${show(kind)}`)
  if (to !== undefined && typeof to !== 'string') {
    throw badParameter(`to must be the name of a site, got ${show(to)}`)
  }
  return {
    kind,
    to: to ?? null,
    reason: text('reason', given['reason']),
    by: byOf(given['by']),
    force: flag('force', force),
  }
}

/** Reads the body of an acknowledgement; the reason may be left out. */
export function acknowledgeBody(body: unknown): { readonly by: string; readonly reason: string } {
  const given = object('the body', body ?? {}, 'For example {"reason": "disk replaced"}.')
  onlyKeys(given, ['reason', 'by'], 'key')
  const { reason } = given
  return { by: byOf(given['by']), reason: reason === undefined ? '' : text('reason', reason) }
}

/** Reads the body of a change of the gating switch. */
export function automationBody(body: unknown): AutomationChange {
  const given = object(
    'the body',
    body,
    'For example {"service": "shop", "automation": "advise", "reason": "…"}.',
  )
  onlyKeys(given, ['unit', 'service', 'all', 'automation', 'reason', 'by'], 'key')
  const { automation } = given
  if (!isOneOf(automations, automation)) {
    throw badParameter(`automation must be ${wordsOf(automations)}, got ${show(automation)}`)
  }
  const reason = text('reason', given['reason'])
  return { scope: scopeOf(given), automation, reason, by: byOf(given['by']) }
}

/** Reads the body of a site’s drain, or of its end. */
export function siteDrainBody(body: unknown): SiteDrainWish & { readonly undo: boolean } {
  const given = object('the body', body, 'For example {"site": "east", "reason": "new kernel"}.')
  onlyKeys(given, ['site', 'reason', 'by', 'force', 'undo'], 'key')
  const { site, force = false, undo = false } = given
  if (typeof site !== 'string') throw badParameter(`site must be the name of a site, got ${show(site)}`)
  return {
    site,
    reason: text('reason', given['reason']),
    by: byOf(given['by']),
    force: flag('force', force),
    undo: flag('undo', undo),
  }
}

/** Reads which records of the audit log are wanted. */
export function auditQuery(query: unknown): AuditQuery & { readonly format: 'json' | 'ndjson' } {
  const given = query as Record<string, unknown>
  onlyKeys(given, ['subject', 'after', 'limit', 'format'], 'query parameter')
  const { subject, format = 'json' } = given
  if (subject !== undefined && typeof subject !== 'string') {
    throw badParameter(`subject must be a unit, service or site, got ${show(subject)}`)
  }
  if (format !== 'json' && format !== 'ndjson') {
    throw badParameter(`format must be json or ndjson, got ${show(format)}`)
  }
  const after = integer('after', given['after'], 0, Number.MAX_SAFE_INTEGER)
  const limit = integer('limit', given['limit'], 1, auditLimitMax)
  return {
    format,
    ...(subject === undefined ? {} : { subject }),
    ...(after === undefined ? {} : { after }),
    ...(limit === undefined ? {} : { limit }),
  }
}

function scopeOf({ unit, service, all }: Record<string, unknown>): AutomationScope {
  const named = [unit, service, all].filter((each) => each !== undefined)
  if (named.length !== 1) throw badParameter('expected exactly one of unit, service and all')
  if (all !== undefined) {
    if (all === true) return 'all'
    throw badParameter(`all must be true, got ${show(all)}`)
  }
  if (typeof named[0] !== 'string') {
    throw badParameter(`${unit === undefined ? 'service' : 'unit'} must be a name, got ${show(named[0])}`)
  }
  return unit === undefined ? { service: named[0] } : { unit: named[0] }
}

/** `automatic` is what the rules call themselves: nobody else may. */
function byOf(by: unknown): string {
  if (by === undefined) return 'operator'
  const name = typeof by === 'string' ? by.trim() : ''
  if (name !== '' && name.length <= byMax && name !== 'automatic') return name
  throw badParameter(`by must be a name of 1 to ${byMax} characters other than automatic, got ${show(by)}`)
}

function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw badParameter(`${name} must be true or false, got ${show(value)}`)
}

function isOneOf<T extends string>(words: readonly T[], value: unknown): value is T {
  return (words as readonly unknown[]).includes(value)
}

function wordsOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
