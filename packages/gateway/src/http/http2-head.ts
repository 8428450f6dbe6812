import { FIELD_VALUE, TARGET, TOKEN } from './bytes.ts'

/** Of one connection and of no other; in HTTP/2 they may not be (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** A request of HTTP/2 as a head of HTTP/1.1. */
export interface Http2Head {
  readonly text: string
  /** The body has no length and is framed in chunks. */
  readonly chunked: boolean
}

/**
 * Writes the fields of a request of HTTP/2, names and values in turn as they came, as the head of the same request in
 * HTTP/1.1, so that one strict reader (`RequestHead`) decides on both. Null when the request is malformed by RFC 9113
 * §8.1.1 to §8.3.1: pseudo-fields that are missing, doubled, unknown or late, upper case, fields of a connection, characters
 * that would break out of a line, another host than the authority.
 */
export function http2Head(fields: readonly string[], endsHere: boolean): Http2Head | null {
  const pseudo = { ':method': '', ':scheme': '', ':authority': '', ':path': '' }
  let at = 0
  for (; at < fields.length && fields[at]!.startsWith(':'); at += 2) {
    const name = fields[at]! as keyof typeof pseudo
    const value = fields[at + 1]!
    if (pseudo[name] !== '' || value === '' || !isVisible(value)) return null
    pseudo[name] = value
  }
  const { ':method': method, ':scheme': scheme, ':path': path } = pseudo
  if (method === '' || !(path.startsWith('/') || path === '*') || (scheme !== 'http' && scheme !== 'https'))
    return null
  let authority = pseudo[':authority']
  let lines = ''
  let cookies = ''
  let hasLength = false
  for (; at < fields.length; at += 2) {
    const name = fields[at]!
    const value = fields[at + 1]!
    if (!isFieldName(name) || !isFieldValue(value) || CONNECTION_FIELDS.has(name)) return null
    switch (name) {
      case 'host':
        if (authority !== '' && authority !== value) return null
        authority = value
        continue
      case 'te':
        if (value !== 'trailers') return null
        continue
      case 'cookie':
        // RFC 9113 §8.2.3: split for compression, joined for everybody else.
        cookies += cookies === '' ? value : `; ${value}`
        continue
      case 'content-length':
        if (endsHere && value !== '0') return null
        hasLength = true
        break
    }
    lines += `${name}: ${value}\r\n`
  }
  const chunked = !endsHere && !hasLength
  if (cookies !== '') lines += `cookie: ${cookies}\r\n`
  if (chunked) lines += 'transfer-encoding: chunked\r\n'
  const host = authority === '' ? '' : `host: ${authority}\r\n`
  return { text: `${method} ${path} HTTP/1.1\r\n${host}${lines}\r\n`, chunked }
}

/** What may stand in a pseudo-field without changing where its line or its word ends. */
function isVisible(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (TARGET[value.charCodeAt(i)] !== 1) return false
  return true
}

function isFieldName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (TOKEN[code] !== 1 || (code >= 0x41 && code <= 0x5a)) return false
  }
  return name !== ''
}

/** RFC 9113 §8.2.1: white space at either end is malformed too. */
function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (FIELD_VALUE[value.charCodeAt(i)] !== 1) return false
  return value === '' || (!isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1)))
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Header lines of HTTP/1.1, each with its line end, as fields of HTTP/2 behind those in `fields`. */
export function addHttp2Fields(fields: string[], lines: string): void {
  for (let at = 0; at < lines.length;) {
    const colon = lines.indexOf(':', at)
    const end = lines.indexOf('\r\n', colon)
    const name = lines.slice(at, colon).toLowerCase()
    if (!CONNECTION_FIELDS.has(name)) fields.push(name, lines.slice(colon + 1, end).trim())
    at = end + 2
  }
}
