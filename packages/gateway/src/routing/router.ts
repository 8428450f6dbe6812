import type { RouteConfig } from '@budao/model'
import type { RequestView } from '../filters/filter.ts'
import { RouteTable } from './route-table.ts'
import { configuredPath, Rule } from './rule.ts'

/** Longer is no DNS name; looking for its suffixes would only cost time. */
const hostLengthMax = 253

/**
 * Finds the route of a request: the first in file order of which a host and a match hold, however special a later
 * one may be.
 *
 * Routes are kept in one table a host pattern, so a request is compared with its own host's routes only; inside a
 * table see `RouteTable`. `*.example.com` holds for every name below `example.com`, of one label or more, not for
 * `example.com` itself. Nothing is allocated while the only host is `*` and routes are few.
 */
export class Router {
  readonly #rules: readonly (readonly Rule[])[]
  readonly #replacements: readonly (Replacement | undefined)[]
  readonly #everyHost: RouteTable
  readonly #byHost: ReadonlyMap<string, RouteTable>
  readonly #byParent: ReadonlyMap<string, RouteTable>
  readonly #hostsMatter: boolean

  /** Throws a RangeError that names the route when a path or regular expression of it is no such thing. */
  constructor(routes: readonly RouteConfig[]) {
    this.#rules = routes.map((route, index) =>
      route.match.map((match) => new Rule(index, route.name, match, route.listeners)),
    )
    this.#replacements = routes.map(({ name, rewrite, redirect }) => {
      const { prefix, path } = rewrite ?? redirect ?? {}
      const to = path ?? prefix
      return to === undefined ? undefined : { to: configuredPath(name, to), whole: path !== undefined }
    })

    const everyHost: Rule[] = []
    const byHost = new Map<string, Rule[]>()
    const byParent = new Map<string, Rule[]>()
    for (const [index, route] of routes.entries()) {
      for (const host of new Set(route.hosts.map(withoutFinalDot))) {
        const rules = this.#rules[index]!
        if (host === '*') everyHost.push(...rules)
        else if (host.startsWith('*.')) append(byParent, host.slice(2), rules)
        else append(byHost, host, rules)
      }
    }
    this.#everyHost = new RouteTable(everyHost)
    this.#byHost = new Map(Array.from(byHost, ([host, rules]) => [host, new RouteTable(rules)]))
    this.#byParent = new Map(Array.from(byParent, ([host, rules]) => [host, new RouteTable(rules)]))
    this.#hostsMatter = byHost.size + byParent.size > 0
  }

  /** The index of the request's route in the list given to the constructor; -1 when none matches. */
  match(request: RequestView): number {
    let found = this.#rules.length
    if (this.#hostsMatter) found = this.#matchHost(request, withoutFinalDot(request.host), found)
    found = this.#everyHost.match(request, found)
    return found === this.#rules.length ? -1 : found
  }

  /**
   * The path to forward, or to send the client to, on that route, which must be one that matched the request. With a
   * `rewrite` or `redirect`, its path takes the place of the whole path, its prefix that of the matched prefix, always
   * whole segments; where the match was not by prefix, of the whole path.
   */
  rewrite(index: number, request: RequestView): string {
    const replacement = this.#replacements[index]
    if (replacement === undefined) return request.path
    const { to, whole } = replacement
    if (whole) return to
    const rule = this.#rules[index]!.find((each) => each.holds(request))
    if (rule?.prefix === undefined) return to
    const rest = request.path.slice(withoutFinalSlash(rule.prefix).length)
    return withoutFinalSlash(to) + rest || '/'
  }

  /** The named groups of the path expression that holds for the request on that route; none where it has none. */
  parameters(index: number, request: RequestView): Readonly<Record<string, string | undefined>> {
    return this.#rules[index]!.find((each) => each.holds(request))?.parameters(request.path) ?? {}
  }

  #matchHost(request: RequestView, host: string, bound: number): number {
    if (host.length > hostLengthMax) return bound
    let found = this.#byHost.get(host)?.match(request, bound) ?? bound
    if (this.#byParent.size === 0) return found
    for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
      found = this.#byParent.get(host.slice(dot + 1))?.match(request, found) ?? found
    }
    return found
  }
}

/** What a route puts in place of the path, or of its prefix. */
interface Replacement {
  readonly to: string
  readonly whole: boolean
}

function append(tables: Map<string, Rule[]>, host: string, rules: readonly Rule[]): void {
  const table = tables.get(host)
  if (table === undefined) tables.set(host, [...rules])
  else table.push(...rules)
}

function withoutFinalDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}

function withoutFinalSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}
