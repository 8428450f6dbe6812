import { isUtf8 } from 'node:buffer'

const safe = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
// Everything JSON must escape, and everything beyond ASCII: the text is then the same bytes in any encoding,
// and no reader of lines can take U+2028 or a control character for the end of one.
const unsafe = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g

/** `text` as a JSON string, quotes included, in ASCII. `JSON.parse` gives back `text`, lone surrogates included. */
export function jsonString(text: string): string {
  return safe.test(text) ? `"${text}"` : `"${text.replace(unsafe, escapeUnit)}"`
}

/**
 * A header's value, one character per byte as it came off the wire, as a JSON string: read as UTF-8 where it is
 * valid UTF-8, as latin1 where not, so that every byte is kept one way or the other.
 */
export function jsonBytes(latin1: string): string {
  if (safe.test(latin1)) return `"${latin1}"`
  const bytes = Buffer.from(latin1, 'latin1')
  return jsonString(isUtf8(bytes) ? bytes.toString('utf8') : latin1)
}

function escapeUnit(unit: string): string {
  if (unit === '"') return '\\"'
  if (unit === '\\') return '\\\\'
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
