import { wordIn } from '@budao/model'
import type { Directive } from './nginx-syntax.ts'
import { type PathMatch, prefixPaths } from '../path-match.ts'
import { translateRegex } from './nginx-regex.ts'

/** A location of a server. */
export interface Location {
  readonly kind: 'exact' | 'prefix' | 'firm-prefix' | 'regex'
  /** The path, or the regular expression as it is written. */
  readonly path: string
  readonly ignoreCase: boolean
  readonly directive: Directive
}

/** Which paths a location takes, as conditions of which any suffices; routes come in this order. */
export interface PlacedLocation {
  readonly location: Location
  readonly paths: readonly PathMatch[]
  /**
   * `slash`: a path that lacks the location's final slash is sent to where it has one.
   * Otherwise the location itself.
   */
  readonly role: 'itself' | 'slash'
}

/** Reads `location [modifier] path`; a text says why it is not one that can be carried over. */
export function readLocation(directive: Directive): Location | string {
  const { args } = directive
  const [first = '', second] = args
  // The modifier may stand without a space before its path.
  const joined = second === undefined ? /^(=|\^~|~\*|~)(.+)$/s.exec(first) : null
  const modifier = joined?.[1] ?? (second === undefined ? '' : first)
  const path = joined?.[2] ?? second ?? first
  if (modifier === '' && path.startsWith('@')) return 'named locations have no counterpart'
  if (!modifier.startsWith('~') && !path.startsWith('/'))
    return 'a path that does not begin with / matches nothing here'
  const kinds: Readonly<Record<string, Location['kind']>> = {
    '': 'prefix',
    '=': 'exact',
    '^~': 'firm-prefix',
    '~': 'regex',
    '~*': 'regex',
  }
  const kind = wordIn(kinds, modifier)
  if (kind === undefined) return `unknown modifier ${modifier}`
  return { kind, path, ignoreCase: modifier === '~*', directive }
}

/**
 * Puts locations in the order in which the first that matches is the one that nginx chooses: an exact one; else the
 * longest prefix, if it is marked `^~`; else the first regular expression; else that longest prefix.
 *
 * So prefixes marked `^~` come before the regular expressions, and a longer unmarked one below such a prefix before it,
 * preceded by the regular expressions once more for its paths alone. `problem` is told of what cannot be said.
 */
export function placeLocations(
  locations: readonly Location[],
  redirectsSlash: (location: Location) => boolean,
  problem: (location: Location, reason: string) => void,
): PlacedLocation[] {
  const prefixes = locations
    .filter(({ kind }) => kind === 'prefix' || kind === 'firm-prefix')
    .toSorted((a, b) => b.path.length - a.path.length)
  const firm = prefixes.filter(({ kind }) => kind === 'firm-prefix')
  const isEarly = (prefix: Location): boolean => firm.some(({ path }) => prefix.path.startsWith(path))
  const regexes = locations.filter(({ kind }) => kind === 'regex')
  const refused = new Set<Location>()

  const placedRegexes = (within?: string): PlacedLocation[] =>
    regexes.flatMap((location) => {
      const translated = translateRegex(location.path, location.ignoreCase, within)
      if (translated.ok) return [{ location, paths: [{ regex: translated.source }], role: 'itself' as const }]
      if (!refused.has(location)) problem(location, translated.reason)
      refused.add(location)
      return []
    })
  const placedPrefix = (location: Location): PlacedLocation => ({
    location,
    paths: prefixPaths(location.path),
    role: 'itself',
  })

  return [
    ...locations
      .filter(({ kind }) => kind === 'exact')
      .map((location) => ({ location, paths: [{ exact: location.path }], role: 'itself' as const })),
    ...prefixes
      .filter((location) => lacksSlash(location, locations) && redirectsSlash(location))
      .map((location) => ({
        location,
        paths: [{ exact: location.path.slice(0, -1) }],
        role: 'slash' as const,
      })),
    ...prefixes
      .filter(isEarly)
      .flatMap((prefix) =>
        prefix.kind === 'firm-prefix'
          ? [placedPrefix(prefix)]
          : [...placedRegexes(prefix.path), placedPrefix(prefix)],
      ),
    ...placedRegexes(),
    ...prefixes.filter((prefix) => !isEarly(prefix)).map(placedPrefix),
  ]
}

/** Whether nginx would redirect the path without the final slash to this location. */
function lacksSlash({ path }: Location, locations: readonly Location[]): boolean {
  if (path === '/' || !path.endsWith('/')) return false
  return !locations.some((other) => other.kind !== 'regex' && other.path === path.slice(0, -1))
}
