import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { readFilters, type RuleFilters } from './gateway-api-filters.ts'
import { readMatch, type RouteMatch } from './gateway-api-match.ts'
import { items, type Part, tellUnknown, textAt } from './manifest-part.ts'
import { hostRank, rankedHosts } from './host-rank.ts'
import type { BackendServices } from './gateway-api-services.ts'

/** One match of one rule for hosts of one rank: what precedence is about. */
export interface RouteEntry {
  readonly name: string
  /** Shared by entries of one route and rank. */
  readonly hosts: readonly string[]
  readonly match: Written
  /** Everything but name, hosts and match; shared by the matches of a rule. */
  readonly body: Written
  readonly rank: Rank
}

/** In this order, more before less, until two differ; then the older route, the first name, the first rule. */
interface Rank extends RouteMatch {
  readonly host: number
  readonly createdAt: string
  readonly route: string
}

const knownInSpec: ReadonlySet<string> = new Set(['parentRefs', 'hostnames', 'rules', 'useDefaultGateways'])
const knownInRule: ReadonlySet<string> = new Set(['name', 'matches', 'filters', 'backendRefs', 'timeouts'])

/** What a HTTPRoute says, one entry for each match and rank of hosts. */
export function readRoute(route: Part, services: BackendServices, notes: Notes): RouteEntry[] {
  const name = textAt(route, 'metadata', 'name') ?? 'route'
  const namespace = textAt(route, 'metadata', 'namespace')
  const createdAt = textAt(route, 'metadata', 'creationTimestamp') ?? '9'
  const spec = route.at('spec')
  tellUnknown(spec, knownInSpec, notes, reasons)
  for (const parent of items(spec, 'parentRefs')) {
    if (textAt(parent, 'sectionName') !== undefined || textAt(parent, 'port') !== undefined)
      notes.add(
        'changed',
        parent.place(),
        'parentRefs',
        'the route is there on every listener: see listeners of a route',
      )
  }
  const hostGroups = rankedHosts(items(spec, 'hostnames').map(({ value }) => String(value).toLowerCase()))
  const rules = items(spec, 'rules')
  return rules.flatMap((rule, index) => {
    tellUnknown(rule, knownInRule, notes, reasons)
    const ruleName = textAt(rule, 'name') ?? (rules.length === 1 ? '' : String(index + 1))
    const filters = readFilters(items(rule, 'filters'), notes)
    const changesPrefix = [filters.rewrite, filters.redirect].some(
      (change) => change?.['prefix'] !== undefined,
    )
    const written = items(rule, 'matches')
    const matches = (written.length === 0 ? [rule.at('matches', 0)] : written).map((match) =>
      readMatch(match, changesPrefix, notes),
    )
    const body = ruleBody(rule, filters, services, namespace, notes)
    return hostGroups.flatMap((hosts) =>
      matches.map(({ match, rank }) => ({
        name: ruleName === '' ? name : `${name}-${ruleName}`,
        hosts,
        match,
        body,
        rank: { ...rank, host: hostRank(hosts[0]!), createdAt, route: `${namespace ?? ''}/${name}` },
      })),
    )
  })
}

/** Most special first, as the Gateway API has it; what is equal stays in the order of the file. */
export function sortEntries(entries: readonly RouteEntry[]): RouteEntry[] {
  return entries.toSorted(({ rank: a }, { rank: b }) => {
    return (
      b.host - a.host ||
      b.exact - a.exact ||
      b.regex - a.regex ||
      b.prefixLength - a.prefixLength ||
      b.method - a.method ||
      b.headers - a.headers ||
      b.query - a.query ||
      compare(a.createdAt, b.createdAt) ||
      compare(a.route, b.route)
    )
  })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function ruleBody(
  rule: Part,
  { filters, redirect, rewrite, mirror }: RuleFilters,
  services: BackendServices,
  namespace: string | undefined,
  notes: Notes,
): Written {
  const own = filters.length === 0 ? {} : { filters }
  if (redirect !== undefined) return { ...own, redirect }
  const backends = items(rule, 'backendRefs').flatMap((reference) => {
    const service = services.use(reference, namespace)
    for (const filter of items(reference, 'filters'))
      notes.add(
        'lost',
        filter.place(),
        String(textAt(filter, 'type')),
        'filters of one backend are not carried over',
      )
    const weight = Number(textAt(reference, 'weight') ?? 1)
    return service === undefined ? [] : [{ service, weight }]
  })
  // As the Gateway API wants it where a rule has no backend that could answer.
  if (!backends.some(({ weight }) => weight > 0)) return { ...own, respond: { status: 500 } }
  return {
    ...own,
    backends: merged(backends),
    ...(rewrite === undefined ? {} : { rewrite }),
    ...(mirror === undefined ? {} : readMirror(mirror, backends, services, namespace, notes)),
    ...timeouts(rule, notes),
  }
}

function readMirror(
  mirror: Part,
  backends: readonly { service: string }[],
  services: BackendServices,
  namespace: string | undefined,
  notes: Notes,
): Written {
  const service = services.use(mirror.at('backendRef'), namespace)
  if (service === undefined) return {}
  if (backends.some((backend) => backend.service === service)) {
    notes.add('lost', mirror.place(), 'RequestMirror', 'a service that answers cannot be the mirror too')
    return {}
  }
  notes.add('changed', mirror.place(), 'RequestMirror', 'only requests that may be repeated are mirrored')
  const numerator = textAt(mirror, 'fraction', 'numerator')
  const denominator = Number(textAt(mirror, 'fraction', 'denominator') ?? 100)
  const percent = Number(textAt(mirror, 'percent') ?? (Number(numerator ?? denominator) / denominator) * 100)
  return { mirror: { service, ...(percent === 100 ? {} : { basisPoints: Math.round(percent * 100) }) } }
}

/** A service that is named twice gets both shares. Weights are at most 10 000 here, a million there. */
function merged(backends: readonly { service: string; weight: number }[]): Written[] {
  const sums = new Map<string, number>()
  for (const { service, weight } of backends) sums.set(service, (sums.get(service) ?? 0) + weight)
  const most = Math.max(...sums.values())
  const scale = most > 10_000 ? 10_000 / most : 1
  return [...sums].map(([service, weight]) =>
    sums.size === 1
      ? { service }
      : { service, weight: weight === 0 ? 0 : Math.max(1, Math.round(weight * scale)) },
  )
}

function timeouts(rule: Part, notes: Notes): Written {
  const request = duration(rule, 'request', notes)
  const perTry = duration(rule, 'backendRequest', notes)
  return {
    ...(request === undefined ? {} : { timeout: request }),
    ...(perTry === undefined ? {} : { perTry }),
  }
}

function duration(rule: Part, name: string, notes: Notes): string | undefined {
  const text = textAt(rule, 'timeouts', name)
  if (text === undefined) return undefined
  if (/[1-9]/.test(text) && /^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) return text
  notes.add(
    'lost',
    rule.place('timeouts', name),
    `${name}: ${text}`,
    'every request has a deadline above zero',
  )
  return undefined
}

const reasons: Readonly<Record<string, string>> = {
  retry: 'retries are settings of a service: see retry',
  sessionPersistence: 'see balance and hashOn of a service',
}
