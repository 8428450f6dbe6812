import { parseAddress } from './config-address.ts'
import type { Finding, Path } from './config-document.ts'
import { checkAtMost, checkReference, operand } from './config-findings.ts'
import type { GslbRecordType } from './config-gslb.ts'
import { describe } from './config-issues.ts'
import { entries, get, isObject, items } from './config-values.ts'
import type { Config } from './config.ts'
import { dnsRecordShapes, parseDnsRecord } from './dns-record.ts'

/** What no single value of `gslb` shows. */
export function* checkGslb(value: unknown): Generator<Finding> {
  const gslb = get(value, 'gslb')
  if (!isObject(gslb)) return
  const sites = get(gslb, 'sites')
  for (const [site] of entries(sites))
    yield* checkReference(['gslb', 'sites', site], site, get(value, 'sites'), 'site')
  yield* checkListening(value, gslb)
  for (const [zone, settings] of entries(get(gslb, 'zones'))) {
    const path: Path = ['gslb', 'zones', zone]
    const names = get(settings, 'names')
    for (const [name, each] of entries(names)) yield* checkName([...path, 'names', name], each, sites, value)
    yield* checkRecords([...path, 'records'], items(get(settings, 'records')), names)
  }
}

/** What is accepted but will not do what one may think. */
export function gslbWarnings({ gslb }: Config): Finding[] {
  if (gslb === undefined) return []
  const sites = Object.entries(gslb.sites)
  const geographic = sites.filter(
    ([, { asns, regions, countries, continents }]) =>
      asns.length + regions.length + countries.length + continents.length > 0,
  )
  const blind = geographic
    .filter(() => gslb.geo.length === 0)
    .map(([site]) => ({
      path: ['gslb', 'sites', site],
      message:
        'asns, regions, countries and continents are looked up in files of gslb.geo, and there is none',
    }))
  const placed = geographic.length > 0 || sites.some(([, { networks }]) => networks.length > 0)
  const aimless = Object.entries(gslb.zones).flatMap(([zone, { names }]) =>
    Object.entries(names)
      .filter(([, { policy }]) => policy === 'nearest' && !placed)
      .map(([name]) => ({
        path: ['gslb', 'zones', zone, 'names', name, 'policy'],
        message: 'no site says which clients are near to it: sites are chosen by weight',
      })),
  )
  return [...blind, ...aimless, ...addressless(gslb)]
}

/** Resolvers get a name server's address from the parent zone at first, and then ask for it here. */
function addressless({ zones }: NonNullable<Config['gslb']>): Finding[] {
  return Object.entries(zones).flatMap(([zone, { nameServers, records, names }]) =>
    nameServers.flatMap((server, index) => {
      if (!server.endsWith(`.${zone}`)) return []
      const owner = server.slice(0, -zone.length - 1)
      const found = records.some(({ name, type }) => name === owner && (type === 'A' || type === 'AAAA'))
      if (found || Object.hasOwn(names, owner)) return []
      return [
        {
          path: ['gslb', 'zones', zone, 'nameServers', index],
          message: 'a name of this zone that has no address in it',
          hint: `add a record { name: ${owner}, type: A, value: … }`,
        },
      ]
    }),
  )
}

function* checkListening(value: unknown, gslb: object): Generator<Finding> {
  const listen = items(get(gslb, 'listen'))
  const http = get(get(gslb, 'http'), 'address')
  if (listen.length === 0 && http === undefined && Array.isArray(get(gslb, 'listen'))) {
    yield { path: ['gslb'], message: 'answers nowhere', expected: 'listen, http or both' }
  }
  const taken = new Set([
    ...items(get(value, 'listeners')).map((listener) => get(listener, 'address')),
    get(get(value, 'admin'), 'address'),
  ])
  const own: [Path, unknown][] = [
    ...listen.map((address, index): [Path, unknown] => [['gslb', 'listen', index], address]),
    [['gslb', 'http', 'address'], http],
  ]
  for (const [path, address] of own) {
    if (typeof address !== 'string' || parseAddress(address)?.port === 0) continue
    if (taken.has(address)) yield { path, message: 'address given twice', found: describe(address) }
    taken.add(address)
  }
}

function* checkName(path: Path, name: unknown, sites: unknown, value: unknown): Generator<Finding> {
  for (const [index, service] of items(get(name, 'services')).entries())
    yield* checkReference([...path, 'services', index], service, get(value, 'services'), 'service')
  const chosen = items(get(name, 'sites'))
  for (const [index, site] of chosen.entries()) {
    yield* checkReference([...path, 'sites', index], site, sites, 'site')
    if (chosen.indexOf(site) < index)
      yield { path: [...path, 'sites', index], message: 'site given twice', found: describe(site) }
  }
  const answered = chosen.length > 0 ? Object.fromEntries(chosen.map((site) => [String(site), {}])) : sites
  const weights = get(name, 'weights')
  for (const [site] of entries(weights))
    yield* checkReference([...path, 'weights', site], site, answered, 'site')
  const known = Object.keys(isObject(answered) ? answered : {})
  const weightOf = (site: string): unknown =>
    get(weights, site) ?? get(get(get(value, 'sites'), site), 'weight')
  if (known.length > 0 && known.every((site) => weightOf(site) === 0))
    yield { path: [...path, 'weights'], message: 'all weights are 0', expected: 'at least one above 0' }
  yield* checkAtMost(operand(path, name, ['ttl', 'min']), operand(path, name, ['ttl', 'max']))
}

function* checkRecords(path: Path, records: readonly unknown[], names: unknown): Generator<Finding> {
  const types = new Map<unknown, Set<unknown>>()
  for (const record of records) {
    const [name, type] = [get(record, 'name'), get(record, 'type')]
    types.set(name, (types.get(name) ?? new Set()).add(type))
  }
  for (const [index, record] of records.entries()) {
    const [name, type, value] = [get(record, 'name'), get(record, 'type'), get(record, 'value')]
    if (isRecordType(type) && typeof value === 'string' && parseDnsRecord(type, value) === undefined) {
      yield {
        path: [...path, index, 'value'],
        message: 'bad value',
        expected: dnsRecordShapes[type],
        found: describe(value),
      }
    }
    const followed = typeof name === 'string' && isObject(names) && Object.hasOwn(names, name)
    if (followed && (type === 'A' || type === 'AAAA' || type === 'CNAME')) {
      yield {
        path: [...path, index, 'type'],
        message: 'this name follows the sites already',
        expected: 'a type other than A, AAAA and CNAME',
        found: describe(type),
        hint: `take \`${name}\` out of names, or the record out`,
      }
    } else if (type === 'CNAME' && (name === '@' || types.get(name)!.size > 1 || isDouble(records, index))) {
      yield {
        path: [...path, index, 'name'],
        message: 'an alias beside other records',
        expected: 'a name that has nothing else (RFC 1034)',
        found: describe(name),
      }
    }
  }
}

function isDouble(records: readonly unknown[], index: number): boolean {
  const { name, type } = records[index] as { name?: unknown; type?: unknown }
  return records.findIndex((other) => get(other, 'name') === name && get(other, 'type') === type) < index
}

function isRecordType(type: unknown): type is GslbRecordType {
  return typeof type === 'string' && Object.hasOwn(dnsRecordShapes, type)
}
