import type { Fragment, Imported, ImportKind, ImportOptions, Written, WrittenRoute } from '../imported.ts'
import { Names } from '../names.ts'
import { Notes } from '../notes.ts'
import { readZones } from './nginx-limits.ts'
import { makeListeners, type Listen, type ListeningServer, readListens } from './nginx-listen.ts'
import { opaque, reasonFor } from './nginx-reasons.ts'
import { type RouteContext, type RouteDraft, serverRoutes } from './nginx-routes.ts'
import { Scope } from './nginx-scope.ts'
import { NginxServices } from './nginx-services.ts'
import { type Directive, parseNginx } from './nginx-syntax.ts'
import { textOf } from './nginx-upstream.ts'

/** A configuration of nginx: a whole one, or what stands in its `http` block. */
export const nginx: ImportKind = {
  name: 'nginx',
  title: 'nginx: upstream, server and location',
  detects: (text) => /^[ \t]*(upstream[ \t]+\S+|server|http|location[ \t][^{;]*)[ \t]*\{/m.test(text),
  read: readNginx,
}

interface Server extends ListeningServer {
  readonly drafts: readonly RouteDraft[]
  readonly hosts: readonly string[]
}

function readNginx(text: string, options: ImportOptions): Imported {
  const notes = new Notes()
  const used = new Set<Directive>()
  const tree = parseNginx(text, options.file, (pattern) => options.include(pattern))
  const top = new Scope(tree, used)
  const http = top.own('http')[0]
  const scope = http === undefined ? top : top.within(http)
  const backup = `${options.site}-backup`
  const upstreams = new Map(scope.own('upstream').map((block) => [block.args[0] ?? '', block]))
  const services = new NginxServices(upstreams, { site: options.site, backup }, notes)
  const context: RouteContext = {
    services,
    zones: readZones(scope.own('limit_req_zone'), notes),
    notes,
  }
  const servers = scope.own('server').map((block) => readServer(scope.within(block), context))
  const listeners = makeListeners(servers, notes)
  const routes = nameRoutes(orderServers(servers, listeners))
  const made = services.list()
  for (const directive of tree) reportUnused(directive, used, notes)
  const usesBackup = Object.values(made).some(({ endpoints }) =>
    endpoints.some(({ site }) => site === backup),
  )
  const fragment: Fragment = {
    sites: usesBackup ? [options.site, backup] : [options.site],
    listeners: [...new Set(listeners.values())],
    services: made,
    routes,
  }
  return { fragment, notes: notes.list() }
}

function readServer(scope: Scope, context: RouteContext): Server {
  const directives = scope.own('server_name')
  const names = directives.flatMap(({ args }) => args)
  const hosts = directives.flatMap((directive) =>
    directive.args.flatMap((name) => {
      const found = hostsOf(name)
      if (found !== undefined) return found
      context.notes.add(
        'lost',
        directive,
        textOf(directive),
        `${name}: only whole names and *.example.com are hosts`,
      )
      return []
    }),
  )
  return {
    scope,
    names,
    hosts,
    listens: readListens(scope, context.notes),
    drafts: serverRoutes(scope, context),
  }
}

/** Undefined for a name that cannot be a host; none for names that are never asked for. */
function hostsOf(name: string): string[] | undefined {
  if (name === '' || name === '_' || name === '""') return []
  const lower = name.toLowerCase()
  if (/^\.[a-z0-9][a-z0-9.-]*$/.test(lower)) return [lower.slice(1), `*${lower}`]
  return /^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(lower) ? [lower] : undefined
}

interface Placed {
  readonly drafts: readonly RouteDraft[]
  readonly hosts: readonly string[]
  /** Names of listeners; undefined: all. */
  readonly listeners: readonly string[] | undefined
}

/**
 * Puts servers in the order in which the first that matches is the one that nginx chooses: whole names, then `*.` names
 * from long to short, then the server that takes what is left at an address.
 */
function orderServers(servers: readonly Server[], listeners: ReturnType<typeof makeListeners>): Placed[] {
  const all = new Set([...listeners.values()].map(({ name }) => name))
  const restrict = (listens: readonly Listen[]): readonly string[] | undefined => {
    const names = [...new Set(listens.map(({ address }) => listeners.get(address)!.name))]
    return names.length === all.size ? undefined : names
  }
  const exact: Placed[] = []
  const wild: Placed[] = []
  const rest: Placed[] = []
  for (const { listens, hosts, drafts } of servers) {
    const names = hosts.filter((host) => !host.startsWith('*'))
    const under = hosts.filter((host) => host.startsWith('*'))
    const own = restrict(listens)
    if (names.length > 0) exact.push({ drafts, hosts: names, listeners: own })
    for (const host of under) wild.push({ drafts, hosts: [host], listeners: own })
  }
  for (const address of listeners.keys()) {
    const here = servers.filter(({ listens }) => listens.some((listen) => listen.address === address))
    const chosen =
      here.find(({ listens }) => listens.some((each) => each.address === address && each.isDefault)) ??
      here[0]
    if (chosen === undefined) continue
    rest.push({
      drafts: chosen.drafts,
      hosts: ['*'],
      listeners: restrict(chosen.listens.filter((listen) => listen.address === address)),
    })
  }
  wild.sort((a, b) => b.hosts[0]!.length - a.hosts[0]!.length)
  return withoutDoubles([...exact, ...wild], mergeListeners(rest, all.size))
}

/** The rest of several listeners with the same server is one. */
function mergeListeners(rest: readonly Placed[], count: number): Placed[] {
  const merged: Placed[] = []
  for (const each of rest) {
    const same = merged.findIndex(({ drafts }) => drafts === each.drafts)
    if (same === -1) merged.push(each)
    else {
      const [a, b] = [merged[same]!.listeners, each.listeners]
      const names = a === undefined || b === undefined ? undefined : [...new Set([...a, ...b])]
      merged[same] = { ...each, listeners: names?.length === count ? undefined : names }
    }
  }
  return merged
}

/** A server whose names nobody else could take needs no routes for them beside those for what is left. */
function withoutDoubles(named: readonly Placed[], rest: readonly Placed[]): Placed[] {
  const kept = named.filter((each) => {
    const same = rest.find(({ drafts }) => drafts === each.drafts)
    if (same === undefined || JSON.stringify(same.listeners) !== JSON.stringify(each.listeners)) return true
    return named.some((other) => other.drafts !== each.drafts && covers(other.hosts, each.hosts))
  })
  return [...kept, ...rest]
}

/** Whether a `*.` name among `wild` holds for one of `hosts`. */
function covers(wild: readonly string[], hosts: readonly string[]): boolean {
  return wild.some((name) => name.startsWith('*') && hosts.some((host) => host.endsWith(name.slice(1))))
}

function nameRoutes(placed: readonly Placed[]): WrittenRoute[] {
  const names = new Names()
  return placed.flatMap(({ drafts, hosts, listeners }) =>
    drafts.map(({ path, body }): WrittenRoute => {
      const host = hosts[0] === '*' ? '' : `${hosts[0]!.replace('*.', 'any.')}-`
      const { match, ...more } = body
      const route: Written = {
        ...(hosts[0] === '*' ? {} : { hosts }),
        ...(listeners === undefined ? {} : { listeners }),
        ...(match === undefined || isEverything(match) ? {} : { match }),
        ...more,
      }
      return { name: names.claim(`${host}${path === '/' ? 'all' : path.replace(/^\W+/, '')}`), ...route }
    }),
  )
}

function isEverything(match: unknown): boolean {
  return JSON.stringify(match) === '[{"path":{"prefix":"/"}}]'
}

function reportUnused(directive: Directive, used: ReadonlySet<Directive>, notes: Notes): void {
  const { name, block } = directive
  if (!used.has(directive)) {
    const [kind, reason] = reasonFor(name, directive.args)
    notes.add(kind, directive, textOf(directive), reason)
    if (opaque.has(name)) return
  }
  for (const inner of block ?? []) {
    // What stands in an upstream is read as a whole; what it could not say has been said.
    if (name === 'upstream' && upstreamKnown.has(inner.name)) continue
    reportUnused(inner, used, notes)
  }
}

const upstreamKnown: ReadonlySet<string> = new Set(['server', 'least_conn', 'ip_hash', 'hash', 'random'])
