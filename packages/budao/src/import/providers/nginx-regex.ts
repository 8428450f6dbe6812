import { escapeRegex } from '../path-match.ts'

/** A regular expression of JavaScript for a whole path, or why there is none. */
export type TranslatedRegex =
  | { readonly ok: true; readonly source: string }
  | { readonly ok: false; readonly reason: string }

/**
 * Rewrites a regular expression of PCRE, which looks for a match anywhere in a path, as one of JavaScript (with the `u`
 * flag) that matches the whole path. `within` is a prefix that the path must have besides.
 */
export function translateRegex(pattern: string, ignoreCase: boolean, within = ''): TranslatedRegex {
  let source: string
  try {
    source = fromPcre(pattern)
  } catch (error) {
    return { ok: false, reason: (error as Error).message }
  }
  if (/^\(\?[a-z]+\)/.test(source)) {
    const flags = /^\(\?([a-z]+)\)/.exec(source)!
    source = `(?${flags[1]}:${source.slice(flags[0].length)})`
  }
  const whole = wholePath(source)
  const cased = ignoreCase ? `(?i:${whole})` : whole
  const result = within === '' ? cased : `(?=${escapeRegex(within)})${cased}`
  try {
    void new RegExp(result, 'u')
  } catch (error) {
    return { ok: false, reason: `JavaScript does not read it: ${(error as Error).message}` }
  }
  return { ok: true, source: result }
}

/** Anchors that are there already are taken off, so that the common ones begin with plain text and can be indexed. */
function wholePath(source: string): string {
  if (hasAlternatives(source)) return `.*(?:${source}).*`
  const from = source.startsWith('^') ? source.slice(1) : `.*${source}`
  if (!/(^|[^\\])(\\\\)*\$$/.test(from)) return `${from}.*`
  return from.slice(0, -1)
}

function hasAlternatives(source: string): boolean {
  let depth = 0
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const char = source[at]
    if (char === '\\') at++
    else if (inClass) inClass = char !== ']'
    else if (char === '[') inClass = true
    else if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === '|' && depth === 0) return true
  }
  return false
}

/** What the two write differently. Throws an Error for what only PCRE has. */
function fromPcre(pattern: string): string {
  let out = ''
  let inClass = false
  for (let at = 0; at < pattern.length; at++) {
    const rest = pattern.slice(at)
    const char = pattern[at]!
    if (char === '\\') {
      const next = pattern[++at] ?? ''
      out += escaped(next, inClass)
    } else if (inClass) {
      if (rest.startsWith('[:')) throw new Error('it has a POSIX class such as [[:alpha:]]')
      // With the u flag these have to be escaped within a class.
      out += char === '[' ? String.raw`\[` : char
      inClass = char !== ']'
    } else if (char === '[') {
      inClass = true
      out += char
      if (pattern[at + 1] === '^') out += pattern[++at]
      if (pattern[at + 1] === ']') {
        at++
        out += String.raw`\]`
      }
    } else if (rest.startsWith('(?P<')) {
      out += '(?<'
      at += 3
    } else if (
      rest.startsWith('(?>') ||
      rest.startsWith('(?#') ||
      rest.startsWith('(?R') ||
      rest.startsWith('(*')
    ) {
      throw new Error('it has a group that JavaScript lacks')
    } else if (/^[*+?}]\+/.test(rest)) throw new Error('it has a possessive quantifier')
    else if (char === '{' && !/^\{\d+(,\d*)?\}/.test(rest)) out += String.raw`\{`
    else if (char === '}' && !/\{\d+(,\d*)?$/.test(out)) out += String.raw`\}`
    else if (char === ']') out += String.raw`\]`
    else out += char
  }
  return out
}

function escaped(char: string, inClass: boolean): string {
  if (/[dDwWsSbBtnrfv0-9xukpP]/.test(char)) return `\\${char}`
  if (/[$()*+.?[\]^{|}\\/]/.test(char) || (inClass && char === '-')) return `\\${char}`
  if (char === 'A') return '^'
  if (char === 'z' || char === 'Z') return '$'
  if (/[A-Za-z]/.test(char)) throw new Error(`it has \\${char}, which JavaScript lacks`)
  // Punctuation that needs no escape, and may have none with the u flag.
  return char
}
