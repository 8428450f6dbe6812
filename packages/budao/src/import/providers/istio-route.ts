import { wordIn } from '@budao/model'
import { ImportError, type Written, type WrittenRoute } from '../imported.ts'
import type { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import { basisPoints, readAnswer, readFilters, readRewrite } from './istio-answer.ts'
import { hostRank, rankedHosts } from './host-rank.ts'
import { type Destination, type Hosts, namespaceOf, readDestination, stable } from './istio-hosts.ts'
import { type HttpMatch, readMatches } from './istio-match.ts'
import { readRetries } from './istio-retries.ts'
import { items, keysOf, type Part, tellUnknown, textAt } from './manifest-part.ts'

const whole = 10_000

interface Share {
  readonly destination: Destination
  readonly weight: number
}

/** A route of a VirtualService for some of its hosts. */
export interface RankedRoute {
  readonly route: WrittenRoute
  readonly rank: number
}

/** The http routes of a VirtualService for each rank of its hosts, in its order, in which the first that holds is taken. */
export function readVirtualService(object: Part, hosts: Hosts, names: Names, notes: Notes): RankedRoute[] {
  const name = textAt(object, 'metadata', 'name') ?? 'route'
  const spec = object.at('spec')
  for (const key of keysOf(spec)) {
    const [kind, reason] = wordIn(specReasons, key) ?? ['lost', 'has no counterpart']
    if (key !== 'hosts' && key !== 'http') notes.add(kind, spec.place(key), key, reason)
  }
  const groups = rankedHosts(items(spec, 'hosts').map(({ value }) => String(value).toLowerCase()))
  const written = items(spec, 'http')
  const routes = written.flatMap((route, index) => {
    tellUnknown(route, knownInRoute, notes, routeReasons)
    const rewrite = readRewrite(route, notes)
    const matches = readMatches(route, rewrite?.['prefix'] !== undefined, notes)
    if (matches === null) return []
    for (const { host } of matches)
      if (host !== undefined && !groups.some((group) => covers(group, host)))
        notes.add(
          'default',
          route.place('match'),
          `authority: ${host}`,
          'it is none of the hosts: it never holds',
        )
    const ending = textAt(route, 'name') ?? (written.length === 1 ? '' : String(index + 1))
    const body = readBody(route, rewrite, hosts, namespaceOf(object), notes)
    return [{ name: ending === '' ? name : `${name}-${ending}`, matches, body }]
  })
  return groups.flatMap((group) =>
    routes.flatMap(({ name: wanted, matches, body }) =>
      byHosts(matches, group).map(([taken, match]) => ({
        rank: hostRank(group[0]!),
        route: {
          name: names.claim(wanted),
          ...(taken.includes('*') ? {} : { hosts: taken }),
          ...(JSON.stringify(match) === '[{}]' ? {} : { match }),
          ...body,
        },
      })),
    ),
  )
}

/** Matches for the same names are one route. One for a name that the group has not is none here. */
function byHosts(
  matches: readonly HttpMatch[],
  group: readonly string[],
): [taken: readonly string[], match: readonly Written[]][] {
  const kept = matches.filter(({ host }) => host === undefined || covers(group, host))
  return [...Map.groupBy(kept, ({ host }) => host)].map(([host, some]) => [
    host === undefined ? group : [host],
    some.flatMap(({ match }) => match),
  ])
}

function covers(group: readonly string[], host: string): boolean {
  const [first] = group
  return group.includes(host) || (first!.startsWith('*') && host.endsWith(first!.slice(1)))
}

function readBody(
  route: Part,
  rewrite: Written | undefined,
  hosts: Hosts,
  namespace: string,
  notes: Notes,
): Written {
  const filters = readFilters(route, notes)
  const own = filters.length === 0 ? {} : { filters }
  const answer = readAnswer(route, notes)
  if (answer !== undefined) return { ...own, ...answer }
  const shares = readShares(route, namespace, notes)
  const [backends, split] = divided(shares, hosts, notes)
  const { retry, perTry } = readRetries(route.at('retries'), notes)
  if (retry !== undefined)
    // Of a service, not of a route: other routes to it have them too.
    for (const { service } of backends)
      if (!hosts.setRetry(service, retry))
        notes.add(
          'lost',
          route.place('retries'),
          'retries',
          `service ${service} has those of an earlier route`,
        )
  const timeout = textAt(route, 'timeout')
  if (timeout !== undefined && !/[1-9]/.test(timeout))
    notes.add(
      'lost',
      route.place('timeout'),
      `timeout: ${timeout}`,
      'every request has a deadline above zero',
    )
  return {
    ...own,
    backends: backends.length === 1 ? [{ service: backends[0]!.service }] : backends,
    ...(split === undefined ? {} : { split: { releases: split } }),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...readMirror(route, backends, hosts, namespace, notes),
    ...(timeout !== undefined && /[1-9]/.test(timeout) ? { timeout } : {}),
    ...(perTry === undefined ? {} : { perTry }),
  }
}

/** The weighted destinations. Throws an ImportError where they cannot be meant. */
function readShares(route: Part, namespace: string, notes: Notes): Share[] {
  const written = items(route, 'route')
  const refuse = (at: Part, reason: string): never => {
    const { file, line } = at.place()
    throw new ImportError(`${file}:${line}: ${reason}`)
  }
  const shares = written.map((each): Share => {
    tellUnknown(each, knownInShare, notes, { headers: 'headers of one destination are not carried over' })
    const text = textAt(each, 'weight') ?? '0'
    // The weight of a single one says nothing.
    const weight = Number(text) === 0 && written.length === 1 ? 100 : Number(text)
    if (!Number.isInteger(weight) || weight < 0)
      refuse(each.at('weight'), `weight: expected a whole number from 0, found ${text}`)
    const destination = readDestination(each.at('destination'), namespace, notes)
    if (destination.host === '') refuse(each, 'destination.host: expected the name of a host, found none')
    return { destination, weight }
  })
  if (shares.length === 0) refuse(route, 'route: expected a destination, a redirect or a directResponse')
  if (!shares.some(({ weight }) => weight > 0))
    refuse(route.at('route'), 'route: expected weights above 0 together, found 0')
  return shares
}

/**
 * Shares of one host are releases of its service: a user stays with theirs, and a rollout may take over from there. Where
 * several hosts and subsets are mixed each destination is a service of its own.
 */
function divided(
  shares: readonly Share[],
  hosts: Hosts,
  notes: Notes,
): [backends: { service: string; weight: number }[], split: Record<string, number> | undefined] {
  const first = shares[0]!.destination
  const isOne = shares.every(({ destination: { host, port } }) => host === first.host && port === first.port)
  const total = shares.reduce((sum, { weight }) => sum + weight, 0)
  if (!isOne || shares.every(({ destination }) => destination.subset === undefined)) {
    const sums = new Map<string, number>()
    for (const { destination, weight } of shares) {
      const service = hosts.ownService(destination)
      sums.set(service, (sums.get(service) ?? 0) + weight)
    }
    const scale = total > whole ? whole / total : 1
    return [
      [...sums].map(([service, weight]) => ({ service, weight: Math.round(weight * scale) })),
      undefined,
    ]
  }
  const service = shares.map(({ destination }) => hosts.service(destination))[0]!
  const releases = new Map<string, number>()
  for (const { destination, weight } of shares) {
    const { subset, part } = destination
    if (subset === undefined)
      notes.add(
        'changed',
        part.place(),
        `host ${first.host}`,
        'beside subsets it is what is of no subset: stable',
      )
    else if (subset !== stable) releases.set(subset, (releases.get(subset) ?? 0) + weight)
  }
  return [[{ service, weight: 100 }], rounded(releases, total)]
}

/** Of 10 000, together what they are together. */
function rounded(weights: ReadonlyMap<string, number>, total: number): Record<string, number> {
  let sum = 0
  let given = 0
  const shares: Record<string, number> = {}
  for (const [release, weight] of weights) {
    sum += weight
    shares[release] = Math.round((sum / total) * whole) - given
    given += shares[release]
  }
  return shares
}

function readMirror(
  route: Part,
  backends: readonly { service: string }[],
  hosts: Hosts,
  namespace: string,
  notes: Notes,
): Written {
  const [several, ...others] = items(route, 'mirrors')
  for (const other of others)
    notes.add('lost', other.place(), 'mirrors', 'one mirror of a route is carried over')
  const one = several?.at('destination') ?? route.at('mirror')
  if (one.value === undefined || one.value === null) return {}
  const share =
    several === undefined
      ? route.at('mirrorPercentage').value === undefined
        ? Number(textAt(route, 'mirrorPercent') ?? 100) * 100
        : basisPoints(route, 'mirrorPercentage')
      : basisPoints(several)
  const service = hosts.ownService(readDestination(one, namespace, notes))
  if (backends.some((backend) => backend.service === service)) {
    notes.add('lost', one.place(), 'mirror', 'a service that answers cannot be the mirror too')
    return {}
  }
  notes.add('changed', one.place(), 'mirror', 'only requests that may be repeated are mirrored')
  return { mirror: { service, ...(share === whole ? {} : { basisPoints: share }) } }
}

const specReasons: Readonly<Record<string, readonly ['lost' | 'default' | 'changed', string]>> = {
  gateways: ['changed', 'the routes are there on every listener: see listeners of a route'],
  exportTo: ['default', 'there are no namespaces here'],
  tls: ['lost', 'see listeners of the protocol tls-passthrough'],
  tcp: ['lost', 'see listeners of the protocol tcp'],
}

const knownInShare: ReadonlySet<string> = new Set(['destination', 'weight'])

const knownInRoute: ReadonlySet<string> = new Set([
  ...['name', 'match', 'route', 'redirect', 'directResponse', 'rewrite', 'timeout', 'retries', 'fault'],
  ...['mirror', 'mirrors', 'mirrorPercentage', 'mirrorPercent', 'corsPolicy', 'headers'],
])

const routeReasons: Readonly<Record<string, string>> = {
  delegate: 'write the routes of the other VirtualService here',
}
