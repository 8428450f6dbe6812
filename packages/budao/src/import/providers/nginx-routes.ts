import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { type OwnAnswer, prefixRewrite, type PrefixRewrite, redirectTo, returned } from './nginx-answers.ts'
import { readAnswerHeaders, readHeaders } from './nginx-headers.ts'
import { readLimits, type readZones } from './nginx-limits.ts'
import { placeLocations, type PlacedLocation, readLocation } from './nginx-locations.ts'
import type { Scope } from './nginx-scope.ts'
import type { NginxServices } from './nginx-services.ts'
import type { Directive } from './nginx-syntax.ts'
import { textOf } from './nginx-upstream.ts'
import { substitute } from './nginx-values.ts'

/** A route that has its place among those of its server, but neither name nor hosts yet. */
export interface RouteDraft {
  /** What it is called after. */
  readonly path: string
  readonly body: Written
}

/** What the routes of an import have in common. */
export interface RouteContext {
  readonly services: NginxServices
  readonly zones: ReturnType<typeof readZones>
  readonly notes: Notes
}

const notFound: Written = { respond: { status: 404 } }
const forbidden: Written = { respond: { status: 403 } }

/** The routes of one server, in the order in which the first that matches is the one that nginx chooses. */
export function serverRoutes(scope: Scope, context: RouteContext): RouteDraft[] {
  const answer = ownAnswer(scope, context)
  if (answer !== undefined) return [{ path: '/', body: answer }]
  const { notes } = context
  const locations = scope.directives
    .filter(({ name }) => name === 'location')
    .flatMap((directive) => {
      const location = readLocation(directive)
      if (typeof location !== 'string') return [location]
      scope.within(directive)
      notes.add('lost', directive, textOf(directive), location)
      return []
    })
  const scopes = new Map(locations.map((location) => [location, scope.within(location.directive)]))
  const placed = placeLocations(
    locations,
    (location) => scopes.get(location)!.own('proxy_pass').length > 0,
    ({ directive }, reason) => {
      notes.add('lost', directive, textOf(directive), reason)
      scope.pass(directive)
    },
  )
  // In the order of the file: what the first one says of a service holds for it.
  const bodies = new Map(
    placed
      .toSorted((a, b) => locations.indexOf(a.location) - locations.indexOf(b.location))
      .map((each) => [each, locationRoute(each, scopes.get(each.location)!, context)]),
  )
  const drafts = placed.map((each): RouteDraft => ({ path: each.location.path, body: bodies.get(each)! }))
  const takesAll = locations.some(
    ({ kind, path }) => path === '/' && (kind === 'prefix' || kind === 'firm-prefix'),
  )
  // Behind the last location there are files, which Budao does not serve; another host's routes must not take over.
  return takesAll ? drafts : [...drafts, { path: 'not-found', body: notFound }]
}

function locationRoute(
  { location, paths, role }: PlacedLocation,
  scope: Scope,
  context: RouteContext,
): Written {
  const match = paths.map((path) => ({ path }))
  if (role === 'slash') return { match, redirect: { path: location.path, status: 301 } }
  const { directive } = location
  const { notes } = context
  for (const nested of scope.own('location')) {
    notes.add('lost', nested, textOf(nested), 'locations within locations are not carried over')
  }
  const size = scope.own('client_max_body_size')[0]
  if (size !== undefined)
    notes.add(
      'changed',
      size,
      textOf(size),
      'the largest body is a limit of the listener: the one of its servers holds',
    )
  if (scope.own('internal').length > 0) return { match, ...notFound }
  const answer = ownAnswer(scope, context)
  if (answer !== undefined) return { match, ...answer }
  const proxied = scope.own('proxy_pass')[0]
  if (proxied === undefined) {
    if (scope.own('deny').some(({ args }) => args[0] === 'all')) return { match, ...forbidden }
    notes.add(
      'lost',
      directive,
      textOf(directive),
      'only locations with proxy_pass or return are carried over: 404',
    )
    return { match, ...notFound }
  }
  if (isGuarded(scope, notes)) return { match, ...forbidden }
  return proxyRoute(paths, location.path, proxied, scope, context)
}

const guards = [
  'allow',
  'deny',
  'auth_basic',
  'auth_request',
  'auth_jwt',
  'limit_except',
  'secure_link',
] as const

/** Whether not everybody may come here. Who may cannot be said yet: until a person does, nobody may. */
function isGuarded(scope: Scope, notes: Notes): boolean {
  const found = guards.flatMap((name) => scope.all(name)).filter(({ args }) => args[0] !== 'off')
  if (found.length === 0) return false
  const deniesAll = found.every(({ name, args }) => name === 'deny' && args[0] === 'all')
  for (const directive of found) {
    if (deniesAll) continue
    notes.add('lost', directive, textOf(directive), 'who may come is not carried over, so nobody may: 403')
  }
  return true
}

function proxyRoute(
  paths: PlacedLocation['paths'],
  prefix: string,
  proxied: Directive,
  scope: Scope,
  context: RouteContext,
): Written {
  const { notes, services, zones } = context
  const target = substitute(proxied.args[0] ?? '', scope.variables())
  const [, scheme, authority = '', uri = ''] = /^(https?):\/\/([^/]+)(.*)$/s.exec(target) ?? []
  const lost = (reason: string): Written => {
    notes.add('lost', proxied, textOf(proxied), `${reason}: 502`)
    return { match: paths.map((path) => ({ path })), respond: { status: 502 } }
  }
  if (scheme === undefined || target.includes('$'))
    return lost('the backend is not a fixed http or https address')
  const use = services.use(scheme as 'http' | 'https', authority, scope, proxied)
  if (use === undefined) return lost('no endpoint is known')
  const { name, ...times } = use
  const rewrite = uri === '' ? rewritten(scope, prefix, notes) : { from: prefix, to: uri, status: 0 }
  const changes = rewrite !== undefined && rewrite.from !== rewrite.to
  const headers = readHeaders(scope, authority, notes)
  const limits = readLimits(scope, zones, notes)
  const filters = [...limits, ...(headers.filter === undefined ? [] : [headers.filter])]
  const to = {
    ...(changes ? { prefix: rewrite.to } : {}),
    ...(headers.host === undefined ? {} : { host: headers.host }),
  }
  // Of a path the prefix has no whole segment of, a rewrite would replace everything.
  const kept = changes ? withoutParts(paths, rewrite, proxied, notes) : paths
  return {
    match: kept.map((path) => ({ path })),
    ...(filters.length === 0 ? {} : { filters }),
    backends: [{ service: name }],
    ...(Object.keys(to).length === 0 ? {} : { rewrite: to }),
    ...times,
  }
}

function withoutParts(
  paths: PlacedLocation['paths'],
  { from, to }: PrefixRewrite,
  proxied: Directive,
  notes: Notes,
): PlacedLocation['paths'] {
  const kept = paths.length === 1 ? paths : paths.filter((path) => !('regex' in path))
  if (paths.length > 1)
    notes.add('changed', proxied, textOf(proxied), `${from}x is not taken for a path below ${from}`)
  if (from.endsWith('/') !== to.endsWith('/') && !paths.some((path) => 'exact' in path))
    notes.add(
      'changed',
      proxied,
      textOf(proxied),
      `${from} and ${to} are whole segments: slashes are neither doubled nor lost`,
    )
  return kept
}

/** The only `rewrite` of a location, where it replaces the prefix that the location is for. */
function rewritten(scope: Scope, prefix: string, notes: Notes): PrefixRewrite | undefined {
  const rules = scope.own('rewrite')
  const rule = rules.length === 1 ? prefixRewrite(rules[0]!.args) : undefined
  if (rule !== undefined && rule.status === 0 && withSlash(rule.from) === withSlash(prefix))
    return { ...rule, from: prefix }
  for (const each of rules)
    notes.add('lost', each, textOf(each), 'only the exchange of one prefix is carried over')
  return undefined
}

/** `return`, or a `rewrite` that redirects. */
function ownAnswer(scope: Scope, { notes }: RouteContext): Written | undefined {
  const variables = scope.variables()
  const directive = scope.own('return')[0]
  const answer =
    directive === undefined
      ? redirectingRewrite(scope)
      : returned(directive.args, variables, scope.one('default_type')?.args[0])
  if (answer === undefined) return undefined
  if (typeof answer === 'string') {
    const place = directive ?? scope.own('rewrite')[0]!
    notes.add('lost', place, textOf(place), `${answer}: 404`)
    return notFound
  }
  const response = readAnswerHeaders(scope, notes)
  return { ...(response === undefined ? {} : { filters: [{ headers: { response } }] }), ...answer }
}

function redirectingRewrite(scope: Scope): OwnAnswer | undefined {
  const rules = scope.directives.filter(({ name }) => name === 'rewrite')
  if (rules.length !== 1) return undefined
  const [pattern = '', replacement = '', flag = ''] = rules[0]!.args
  const status = flag === 'permanent' ? 301 : flag === 'redirect' || /^https?:/.test(replacement) ? 302 : 0
  if (status === 0) return undefined
  scope.own('rewrite')
  if (/^\^(\/?\(\.\*\)\$?)?$/.test(pattern)) {
    // Everything goes, the path with it or not; a query goes along unless the address ends with `?`.
    return redirectTo(replacement.replace(/\/?\$1$/, '$request_uri').replace(/\?$/, ''), status)
  }
  const rule = prefixRewrite(rules[0]!.args)
  return rule === undefined
    ? 'only the exchange of one prefix is carried over'
    : { redirect: { prefix: rule.to, status } }
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}
