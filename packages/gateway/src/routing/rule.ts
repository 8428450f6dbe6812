import type { MatchConfig, ValueMatch } from '@budao/model'
import type { RequestView } from '../filters/filter.ts'
import { normalizeConfiguredPath } from './path.ts'
import { cookieValue, queryValue, wireText } from '../exchange/request-values.ts'

/**
 * One `match` of a route, made ready for comparing.
 *
 * Prefixes are whole segments: `/api` holds for `/api` and all below it, not for `/apix`; `/api/` only for what is
 * below. Regular expressions have the `u` flag, must match the whole normalised path or value, and are run as they
 * are: one that backtracks exponentially (`(a+)+`) lets a client burn the gateway's time.
 */
export class Rule {
  /** Index of the route it belongs to. */
  readonly route: number
  readonly exact: string | undefined
  readonly prefix: string | undefined
  /** Every path it holds for is this folder or lies below it; empty when nothing is known. No slash at the end. */
  readonly folder: string
  readonly #prefixIsFolder: boolean
  readonly #regex: RegExp | undefined
  readonly #methods: readonly string[] | undefined
  readonly #conditions: readonly Condition[]

  /** Throws a RangeError that names the route when the path or a regular expression is invalid. */
  constructor(route: number, routeName: string, match: MatchConfig, listeners: readonly string[] = []) {
    this.route = route
    const path = match.path
    this.exact = path !== undefined && 'exact' in path ? configuredPath(routeName, path.exact) : undefined
    this.prefix = path !== undefined && 'prefix' in path ? configuredPath(routeName, path.prefix) : undefined
    this.#prefixIsFolder = this.prefix?.endsWith('/') ?? false
    const regex = path !== undefined && 'regex' in path ? path.regex : undefined
    this.#regex = regex === undefined ? undefined : wholeRegExp(routeName, regex)
    this.folder = regex === undefined ? (this.prefix ?? '').replace(/\/$/, '') : literalFolder(regex)
    this.#methods = match.method
    this.#conditions = [
      ...(listeners.length === 0 ? [] : [listenerCondition(listeners)]),
      ...headerConditions(routeName, match.headers),
      ...conditions(routeName, match.query, (request, name) => queryValue(request.query, name)),
      ...conditions(routeName, match.cookies, (request, name) =>
        wireText(cookieValue(request.header('cookie'), name)),
      ),
    ]
  }

  holds(request: RequestView): boolean {
    if (!this.#holdsPath(request.path)) return false
    if (this.#methods !== undefined && !this.#methods.includes(request.method)) return false
    for (let index = 0; index < this.#conditions.length; index++) {
      const { name, read, test } = this.#conditions[index]!
      if (!test(read(request, name))) return false
    }
    return true
  }

  /** The named groups of its path expression. */
  parameters(path: string): Readonly<Record<string, string | undefined>> {
    return this.#regex?.exec(path)?.groups ?? {}
  }

  #holdsPath(path: string): boolean {
    const prefix = this.prefix
    if (prefix !== undefined) {
      if (!path.startsWith(prefix)) return false
      return this.#prefixIsFolder || path.length === prefix.length || path.charCodeAt(prefix.length) === slash
    }
    if (this.exact !== undefined) return path === this.exact
    return this.#regex === undefined || this.#regex.test(path)
  }
}

const slash = 0x2f

interface Condition {
  readonly name: string
  readonly read: (request: RequestView, name: string) => string | undefined
  readonly test: (value: string | undefined) => boolean
}

function listenerCondition(listeners: readonly string[]): Condition {
  return {
    name: '',
    read: (request) => request.listener,
    test: (listener) => listeners.includes(listener!),
  }
}

function conditions(
  routeName: string,
  matches: Readonly<Record<string, ValueMatch>>,
  read: Condition['read'],
): Condition[] {
  return Object.entries(matches).map(([name, match]) => ({ name, read, test: valueTest(routeName, match) }))
}

function valueTest(routeName: string, match: ValueMatch): Condition['test'] {
  if ('present' in match) return (value) => (value !== undefined) === match.present
  if ('not' in match) {
    const test = valueTest(routeName, match.not)
    return (value) => !test(value)
  }
  if ('exact' in match) return (value) => value === match.exact
  if ('prefix' in match) return (value) => value?.startsWith(match.prefix) === true
  const regex = wholeRegExp(routeName, match.regex)
  return (value) => value !== undefined && regex.test(value)
}

/** Whether a request has all these headers, as in a match. Throws a RangeError that names the route for an expression that is none. */
export function holdsForHeaders(
  routeName: string,
  headers: Readonly<Record<string, ValueMatch>>,
): (request: RequestView) => boolean {
  const wanted = headerConditions(routeName, headers)
  return (request) => wanted.every(({ name, read, test }) => test(read(request, name)))
}

function headerConditions(routeName: string, headers: Readonly<Record<string, ValueMatch>>): Condition[] {
  return conditions(routeName, headers, (request, name) => wireText(request.header(name)))
}

/** Normalises a path of the configuration; throws a RangeError that names the route when it is none. */
export function configuredPath(routeName: string, text: string): string {
  const path = normalizeConfiguredPath(text)
  if (path !== null) return path
  throw new RangeError(`route ${routeName}: expected a path such as /api/, got ${JSON.stringify(text)}`)
}

function wholeRegExp(routeName: string, source: string): RegExp {
  try {
    // Alone first: `)(` would be valid inside the group.
    void new RegExp(source, 'u')
    return new RegExp(`^(?:${source})$`, 'u')
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    throw new RangeError(`route ${routeName}: expected a regular expression with the u flag, got ${found}`, {
      cause,
    })
  }
}

/** The folder that every match of the expression lies in; empty when it is not plain to see. */
function literalFolder(source: string): string {
  // An alternative anywhere may have another beginning.
  if (source.includes('|')) return ''
  const literal = /^\^?((?:[\w/~-]|\\[./])*)([?*{]?)/.exec(source)
  if (literal === null) return ''
  const [, escaped = '', quantifier = ''] = literal
  const text = escaped.replaceAll('\\', '')
  const certain = quantifier === '' ? text : text.slice(0, -1)
  return certain.slice(0, Math.max(0, certain.lastIndexOf('/')))
}
