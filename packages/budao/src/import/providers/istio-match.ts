import { wordIn } from '@budao/model'
import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { items, keysOf, type Part, textAt } from './manifest-part.ts'
import { escapeRegex, prefixPaths } from '../path-match.ts'

/** One `match` of a route: conditions of ours, any of which suffices, and the names it is for. */
export interface HttpMatch {
  readonly match: readonly Written[]
  /** Of the hosts of the VirtualService only this one. */
  readonly host: string | undefined
}

/**
 * Conditions of a route. One that cannot be carried over takes its match out, which is told: what is left would hold for more requests than was meant.
 * Null: nothing is left.
 */
export function readMatches(route: Part, rewrites: boolean, notes: Notes): readonly HttpMatch[] | null {
  const written = items(route, 'match')
  if (written.length === 0) return [{ match: [rewrites ? everything : {}], host: undefined }]
  const read = written.flatMap((match) => readMatch(match, rewrites, notes) ?? [])
  return read.length === 0 ? null : read
}

function readMatch(match: Part, rewrites: boolean, notes: Notes): HttpMatch | undefined {
  let whole = true
  const lost = (key: string, reason: string): void => {
    whole = false
    notes.add('lost', match.place(key), key, `${reason}: requests of this match do not come here`)
  }
  for (const key of keysOf(match)) {
    if (key === 'port' || key === 'gateways')
      notes.add('changed', match.place(key), key, 'it holds on every listener: see listeners of a route')
    else if (!known.has(key)) lost(key, wordIn(reasons, key) ?? 'has no counterpart')
  }
  const method = textAt(match, 'method', 'exact')
  if (match.at('method').value !== undefined && method === undefined)
    lost('method', 'expected exact: another one cannot be matched')
  const authority = textAt(match, 'authority', 'exact')
  if (match.at('authority').value !== undefined && authority === undefined)
    lost('authority', 'expected exact: see hosts of a route')
  const ignoreCase = match.at('ignoreUriCase').value === true
  const paths = readPaths(match.at('uri'), ignoreCase, rewrites, notes)
  if (paths === undefined) lost('uri', 'expected exact, prefix or regex')
  const headers = readValues(match.at('headers'), lost, 'headers')
  for (const name of keysOf(match.at('withoutHeaders'))) {
    const value = readValue(match.at('withoutHeaders', name))
    if (value === undefined) lost('withoutHeaders', 'expected exact, prefix or regex')
    else headers[name.toLowerCase()] = 'present' in value ? { present: false } : { not: value }
  }
  const query = readValues(match.at('queryParams'), lost, 'queryParams')
  if (!whole || paths === undefined) return undefined
  const rest = {
    ...(method === undefined ? {} : { method }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(Object.keys(query).length === 0 ? {} : { query }),
  }
  return {
    match: paths.map((path) => ({ ...path, ...rest })),
    host: authority?.toLowerCase(),
  }
}

/** A prefix is text there and whole segments here; where what follows is rewritten only whole segments are taken. */
function readPaths(uri: Part, ignoreCase: boolean, rewrites: boolean, notes: Notes): Written[] | undefined {
  if (uri.value === undefined) return [rewrites ? everything : {}]
  const cased = (source: string): Written => ({ path: { regex: ignoreCase ? `(?i:${source})` : source } })
  const exact = textAt(uri, 'exact')
  if (exact !== undefined) return [ignoreCase ? cased(escapeRegex(exact)) : { path: { exact } }]
  const regex = textAt(uri, 'regex')
  if (regex !== undefined) return [cased(regex)]
  const prefix = textAt(uri, 'prefix')
  if (prefix === undefined) return undefined
  if (prefix === '/') return [rewrites ? everything : {}]
  if (!rewrites)
    return ignoreCase ? [cased(`${escapeRegex(prefix)}.*`)] : prefixPaths(prefix).map((path) => ({ path }))
  // Of a regular expression the whole path would be rewritten.
  const reason = ignoreCase
    ? 'their case counts, and only whole segments are taken,'
    : 'only whole segments are taken'
  if (ignoreCase || !prefix.endsWith('/'))
    notes.add('changed', uri.place(), `prefix: ${prefix}`, `${reason} where the path is rewritten`)
  return [{ path: { prefix } }]
}

function readValues(
  map: Part,
  lost: (key: string, reason: string) => void,
  key: 'headers' | 'queryParams',
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const name of keysOf(map)) {
    const value = readValue(map.at(name))
    if (value === undefined) lost(key, 'expected exact, prefix or regex')
    else values[key === 'headers' ? name.toLowerCase() : name] = value
  }
  return values
}

/** Nothing said: there at all. */
function readValue(value: Part): Written | undefined {
  if (keysOf(value).length === 0) return { present: true }
  for (const kind of ['exact', 'prefix', 'regex'] as const) {
    const text = textAt(value, kind)
    if (text !== undefined) return { [kind]: text }
  }
  return undefined
}

/** Said where the prefix is rewritten: without it the whole path would be. */
const everything: Written = { path: { prefix: '/' } }

const known: ReadonlySet<string> = new Set([
  ...['name', 'uri', 'method', 'authority', 'headers', 'withoutHeaders', 'queryParams', 'ignoreUriCase'],
  'statPrefix',
])

const reasons: Readonly<Record<string, string>> = {
  scheme: 'it is the listener that has it',
  sourceLabels: 'who asks has no labels here',
  sourceNamespace: 'there are no namespaces here',
}
