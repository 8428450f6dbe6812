import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { items, keysOf, type Part, textAt } from './manifest-part.ts'

/** How special a match is. */
export interface RouteMatch {
  readonly exact: number
  readonly regex: number
  readonly prefixLength: number
  readonly method: number
  readonly headers: number
  readonly query: number
}

const known: ReadonlySet<string> = new Set(['path', 'method', 'headers', 'queryParams'])

/** One of `matches`: a condition of a route, and its rank. `changesPrefix`: the route changes the prefix that matched. */
export function readMatch(
  match: Part,
  changesPrefix: boolean,
  notes: Notes,
): { match: Written; rank: RouteMatch } {
  for (const key of keysOf(match)) {
    if (!known.has(key)) notes.add('lost', match.place(key), key, 'has no counterpart')
  }
  const type = textAt(match, 'path', 'type') ?? 'PathPrefix'
  const value = textAt(match, 'path', 'value') ?? '/'
  const path = readPath(type, value, changesPrefix)
  if (path === undefined)
    notes.add(
      'lost',
      match.place('path'),
      `path ${type} ${value}`,
      'expected Exact, PathPrefix or RegularExpression',
    )
  const method = textAt(match, 'method')
  const headers = readValues(match, 'headers', notes)
  const query = readValues(match, 'queryParams', notes)
  const count = (values: Written): number => Object.keys(values).length
  return {
    match: {
      ...(path === undefined ? {} : path),
      ...(method === undefined ? {} : { method }),
      ...(count(headers) === 0 ? {} : { headers }),
      ...(count(query) === 0 ? {} : { query }),
    },
    rank: {
      exact: type === 'Exact' ? 1 : 0,
      regex: type === 'RegularExpression' ? 1 : 0,
      prefixLength: type === 'PathPrefix' ? value.replace(/\/$/, '').length : 0,
      method: method === undefined ? 0 : 1,
      headers: count(headers),
      query: count(query),
    },
  }
}

/** A prefix is whole segments there too, and a final slash means nothing. */
function readPath(type: string, value: string, changesPrefix: boolean): Written | undefined {
  switch (type) {
    case 'Exact':
      return { path: { exact: value } }
    case 'RegularExpression':
      return { path: { regex: value } }
    case 'PathPrefix': {
      const prefix = value.replace(/\/$/, '')
      if (prefix !== '') return { path: { prefix } }
      // Without a prefix the whole path would be changed.
      return changesPrefix ? { path: { prefix: '/' } } : {}
    }
    default:
      return undefined
  }
}

function readValues(match: Part, list: 'headers' | 'queryParams', notes: Notes): Written {
  const values: Record<string, unknown> = {}
  for (const entry of items(match, list)) {
    const name = textAt(entry, 'name') ?? ''
    const key = list === 'headers' ? name.toLowerCase() : name
    const type = textAt(entry, 'type') ?? 'Exact'
    const value = textAt(entry, 'value') ?? ''
    // Of several for one name the first holds.
    if (key in values) notes.add('default', entry.place(), `${list} ${name}`, 'the first one of a name holds')
    else if (type === 'Exact') values[key] = value
    else if (type === 'RegularExpression') values[key] = { regex: value }
    else notes.add('lost', entry.place(), `${list} ${name}`, 'expected Exact or RegularExpression')
  }
  return values
}
