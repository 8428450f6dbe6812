import { formatAddress, isLiteral, parseAddress, parseDuration } from '@budao/model'
import type { DrainTarget, DrainWish, EndpointRegistration } from '@budao/model'
import { badParameter, object, onlyKeys, show, text } from './parameters.ts'

const leaseMsMin = 1_000
const leaseMsDefault = 30_000
const weightMax = 1_000
const waitMsDefault = 30_000
const waitMsMax = 60_000
const rankMax = 100
const metadataKeysMax = 32
const metadataTextMax = 256
const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/

/** Reads the address of a path. Only literal ones register: nobody would resolve a name. */
export function endpointAddress(address: string): string {
  const parsed = parseAddress(address)
  if (parsed !== undefined && parsed.port > 0 && isLiteral(parsed.host)) return formatAddress(parsed)
  throw badParameter(
    `the address must be host:port with a literal host, got ${show(address)}`,
    'For example 10.0.0.5:7001 or [fd00::5]:7001, percent-encoded where needed.',
  )
}

/** Reads the body of a registration. */
export function registrationBody(body: unknown): Omit<EndpointRegistration, 'service' | 'address'> {
  const given = object('the body', body, 'For example {"site": "east", "lease": "30s"}.')
  onlyKeys(given, ['site', 'weight', 'release', 'rank', 'metadata', 'lease'], 'key')
  const { site, weight = 1, release = 'stable', rank = 0, metadata: facts, lease } = given
  return {
    site: name('site', site),
    weight: whole('weight', weight, weightMax),
    release: name('release', release),
    rank: whole('rank', rank, rankMax),
    ...(facts === undefined ? {} : { metadata: metadata(facts) }),
    leaseMs: leaseMs(lease),
  }
}

/** Reads for what, and how long, who asks for endpoints is to wait. */
export function watchQuery(query: unknown): { readonly after?: string; readonly waitMs: number } {
  const given = query as Record<string, unknown>
  onlyKeys(given, ['after', 'wait'], 'query parameter')
  const { after, wait } = given
  if (after === undefined) {
    if (wait === undefined) return { waitMs: 0 }
    throw badParameter('wait goes with after: the version you have')
  }
  if (typeof after !== 'string' || after.length > 64)
    throw badParameter(`after must be a version, got ${show(after)}`)
  const waitMs =
    wait === undefined ? waitMsDefault : typeof wait === 'string' ? parseDuration(wait) : undefined
  if (waitMs !== undefined && waitMs <= waitMsMax) return { after, waitMs }
  throw badParameter(`wait must be a duration of at most 1m such as 30s, got ${show(wait)}`)
}

/** Reads what a person asks for with a deregistration. */
export function wishQuery(query: unknown): DrainWish {
  const given = query as Record<string, unknown>
  onlyKeys(given, ['force', 'reason'], 'query parameter')
  const { force = 'false' } = given
  if (force !== 'true' && force !== 'false')
    throw badParameter(`force must be true or false, got ${show(force)}`)
  return wish(force === 'true', given['reason'])
}

/** Reads the body of a drain or its end. */
export function drainBody(body: unknown): { target: DrainTarget; undo: boolean } & DrainWish {
  const given = object('the body', body, 'For example {"site": "east", "reason": "new kernel"}.')
  onlyKeys(given, ['site', 'endpoint', 'service', 'reason', 'force', 'undo'], 'key')
  const { force = false, undo = false } = given
  if (typeof force !== 'boolean') throw badParameter(`force must be true or false, got ${show(force)}`)
  if (typeof undo !== 'boolean') throw badParameter(`undo must be true or false, got ${show(undo)}`)
  return { target: target(given), undo, ...wish(force, given['reason']) }
}

function target({ site, endpoint, service }: Record<string, unknown>): DrainTarget {
  if ((site === undefined) === (endpoint === undefined)) {
    throw badParameter('expected exactly one of site and endpoint')
  }
  if (site !== undefined) {
    if (service !== undefined) throw badParameter('service goes with endpoint, not with site')
    return { site: name('site', site) }
  }
  if (typeof endpoint !== 'string') throw badParameter(`endpoint must be an address, got ${show(endpoint)}`)
  return { endpoint, ...(service === undefined ? {} : { service: name('service', service) }) }
}

/** Who insists has to say why. */
function wish(force: boolean, reason: unknown): DrainWish {
  if (reason === undefined && !force) return { force, reason: '' }
  return { force, reason: text('reason', reason) }
}

/** A few short texts under names. */
function metadata(value: unknown): Readonly<Record<string, string>> {
  const given = object('metadata', value)
  const entries = Object.entries(given)
  if (entries.length > metadataKeysMax)
    throw badParameter(`metadata must have at most ${metadataKeysMax} keys, got ${entries.length}`)
  for (const [key, datum] of entries) {
    if (!/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/.test(key)) throw badParameter(`metadata: not a key: ${show(key)}`)
    if (typeof datum !== 'string' || datum.length > metadataTextMax)
      throw badParameter(
        `metadata.${key} must be a text of at most ${metadataTextMax} characters, got ${show(datum)}`,
      )
  }
  return given as Record<string, string>
}

function leaseMs(lease: unknown): number {
  if (lease === undefined) return leaseMsDefault
  const ms = typeof lease === 'string' ? parseDuration(lease) : undefined
  if (ms !== undefined && ms >= leaseMsMin) return ms
  throw badParameter(`lease must be a duration of at least 1s such as 30s or 2m, got ${show(lease)}`)
}

function name(key: string, value: unknown): string {
  if (typeof value === 'string' && namePattern.test(value)) return value
  throw badParameter(`${key} must be a name: a letter, then letters, digits, - or _, got ${show(value)}`)
}

function whole(key: string, value: unknown, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value
  throw badParameter(`${key} must be a whole number from 0 to ${max}, got ${show(value)}`)
}
