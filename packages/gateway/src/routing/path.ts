/** A request target in the form that routing decides on and that is forwarded: both see the same text. */
export interface Target {
  /** Begins with a slash; no dot segments, no empty ones but the last. */
  readonly path: string
  /** As received, without the question mark; empty when there is none. */
  readonly query: string
}

/** What `OPTIONS *` asks about: no resource. */
export const asterisk: Target = { path: '*', query: '' }

/**
 * Normalises an origin-form target; null for one that must be answered 400.
 *
 * Beyond RFC 3986 §6.2.2 (case of escapes, unreserved characters decoded, dot segments removed), repeated slashes are
 * merged and raw bytes above 0x7f escaped. `%2F` stays as it is. Refused is what backends are known to read
 * differently from one another: control characters, `%00`, backslashes, `#`, broken escapes, paths that climb above
 * the root, and dot segments that only some would see (`..;x`, `..%2Fx`, `..%5Cx`).
 *
 * The query is not looked at: it takes no part in what a path means.
 */
export function normalizeTarget(raw: string): Target | null {
  const length = raw.length
  if (length === 0 || raw.charCodeAt(0) !== slash) return null
  let afterSlash = true
  for (let index = 1; index < length; index++) {
    const code = raw.charCodeAt(index)
    if (code === question) return { path: raw.slice(0, index), query: raw.slice(index + 1) }
    const special = code > 0xff ? 1 : specials[code]!
    if (special !== 0 && (special === 1 || afterSlash)) return normalizeSlowly(raw)
    afterSlash = code === slash
  }
  return { path: raw, query: '' }
}

/** The same normal form for a path written in a configuration, where people write `/商品 1` and not `/%E5%95%86…%201`. */
export function normalizeConfiguredPath(text: string): string | null {
  const target = normalizeTarget(Buffer.from(text.replaceAll(' ', '%20'), 'utf8').toString('latin1'))
  return target === null || text.includes('?') ? null : target.path
}

const slash = 0x2f
const question = 0x3f
const percent = 0x25

// What leaves the fast path: 1 always, 2 only right after a slash. Dots elsewhere and single slashes are ordinary.
const specials = new Uint8Array(256)
for (let code = 0; code < 256; code++) {
  if (code <= 0x20 || code >= 0x7f) specials[code] = 1
}
for (const character of '%\\#') specials[character.charCodeAt(0)] = 1
for (const character of './') specials[character.charCodeAt(0)] = 2

function normalizeSlowly(raw: string): Target | null {
  const mark = raw.indexOf('?')
  const decoded = decodeUnreserved(mark < 0 ? raw : raw.slice(0, mark))
  const path = decoded === null ? null : removeDotSegments(decoded)
  return path === null ? null : { path, query: mark < 0 ? '' : raw.slice(mark + 1) }
}

/** Decodes escapes of unreserved characters, writes the others in upper case, escapes bytes beyond ASCII. */
function decodeUnreserved(path: string): string | null {
  let decoded = ''
  let copied = 0
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code > 0xff || specials[code] !== 1) {
      if (code > 0xff) return null
      continue
    }
    if (code === percent) {
      const escape = path.slice(index + 1, index + 3)
      if (!hexPair.test(escape)) return null
      const byte = Number.parseInt(escape, 16)
      if (byte === 0) return null
      const character = String.fromCharCode(byte)
      decoded +=
        path.slice(copied, index) + (unreserved.test(character) ? character : `%${escape.toUpperCase()}`)
      index += 2
    } else if (code >= 0x80) {
      decoded += `${path.slice(copied, index)}%${code.toString(16).toUpperCase()}`
    } else {
      return null
    }
    copied = index + 1
  }
  return decoded + path.slice(copied)
}

const hexPair = /^[0-9a-f]{2}$/i
const unreserved = /^[\w.~-]$/
// As some backends split or cut a segment: at escaped slashes and backslashes, and at a path parameter.
const hiddenDots = /(?:^|%2F|%5C)\.\.?(?=;|%2F|%5C|$)/

function removeDotSegments(path: string): string | null {
  const kept: string[] = []
  const segments = path.split('/')
  const last = segments.length - 1
  for (let index = 1; index <= last; index++) {
    const segment = segments[index]!
    if (segment === '..') {
      if (kept.pop() === undefined) return null
    } else if (segment !== '.' && segment !== '') {
      if (hiddenDots.test(segment)) return null
      kept.push(segment)
      continue
    }
    if (index === last) kept.push('')
  }
  return `/${kept.join('/')}`
}
