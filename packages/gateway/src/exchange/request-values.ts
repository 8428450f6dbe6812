/**
 * The first value of a query parameter, undefined when the query has none of that name. Read as HTML forms write
 * them: `+` is a space, escapes are UTF-8; a parameter without `=` has the empty value.
 */
export function queryValue(query: string, name: string): string | undefined {
  for (let start = 0; start < query.length;) {
    let end = query.indexOf('&', start)
    if (end < 0) end = query.length
    const pair = query.slice(start, end)
    const mark = pair.indexOf('=')
    if (pair !== '' && decodeForm(mark < 0 ? pair : pair.slice(0, mark)) === name) {
      return mark < 0 ? '' : decodeForm(pair.slice(mark + 1))
    }
    start = end + 1
  }
  return undefined
}

/** The name in one `name=value` of a query. */
export function queryName(pair: string): string {
  const mark = pair.indexOf('=')
  return decodeForm(mark < 0 ? pair : pair.slice(0, mark))
}

/** The first value of a cookie in a Cookie header's value, as sent; undefined when there is none of that name. */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  for (let start = 0; start < header.length;) {
    let end = header.indexOf(';', start)
    if (end < 0) end = header.length
    const pair = header.slice(start, end)
    const mark = pair.indexOf('=')
    if (mark >= 0 && pair.slice(0, mark).trim() === name) return pair.slice(mark + 1).trim()
    start = end + 1
  }
  return undefined
}

/** Text of a value whose characters are the bytes on the wire: UTF-8, invalid sequences replaced by U+FFFD. */
export function wireText(latin1: string): string
export function wireText(latin1: string | undefined): string | undefined
export function wireText(latin1: string | undefined): string | undefined {
  if (latin1 === undefined || !beyondAscii.test(latin1)) return latin1
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

/** The opposite: text of a configuration as the characters that are its bytes in UTF-8. */
export function wireBytes(text: string): string {
  return beyondAscii.test(text) || wide.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

const wide = /[\u0100-\uffff]/
const beyondAscii = /[\x80-\xff]/

function decodeForm(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return wireText(spaced)
  try {
    return decodeURIComponent(wireText(spaced))
  } catch {
    // A broken escape: compared as it was sent.
    return wireText(spaced)
  }
}
