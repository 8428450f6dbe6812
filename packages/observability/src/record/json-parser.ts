import type { LogValue } from '@budao/model'
import { instantOf } from './instant.ts'
import { keyRoles } from './key-roles.ts'
import { type LineParser, parsedLine } from './line-parser.ts'
import type { ParsedLine } from './parsed-line.ts'
import { plainParser } from './plain-parser.ts'
import { severityOf, severityOfNumber, severityOfStatus, severityOfTens, unsaid } from './severity.ts'

/** Beyond it an object inside is kept as its JSON text. */
const depthMax = 5
/** Beyond it the rest of a line's attributes is one, `log.rest`, as JSON text. */
const attributesMax = 256

/** JSON of one line each. A line that is none is read as plain text. */
export const jsonParser: LineParser = (text, source, observed) => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return plainParser(text, source, observed)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return plainParser(text, source, observed)
  return parsedObject(value as Record<string, unknown>, source, observed)
}

/** A record from names and values. */
export function parsedObject(
  object: Readonly<Record<string, unknown>>,
  source: number,
  observed: number,
): ParsedLine {
  let timestamp: number | undefined
  let severity = unsaid
  let body: string | undefined
  let trace: string | undefined
  let span: string | undefined
  const attr: Record<string, LogValue> = {}
  let count = 0

  const take = (name: string, value: unknown, depth: number): void => {
    switch (keyRoles.get(name)) {
      case 'time': {
        const instant = timestamp === undefined ? instantOf(value) : undefined
        if (instant !== undefined) return void (timestamp = instant)
        break
      }
      case 'level':
        if (typeof value === 'string')
          return void (severity = severity === unsaid ? severityOf(value) : severity)
        if (typeof value === 'number') return void (severity = severityOfTens(value))
        break
      case 'number':
        if (typeof value === 'number' && severity === unsaid) return void (severity = severityOfNumber(value))
        break
      case 'body':
        if (typeof value === 'string' && body === undefined) return void (body = value)
        break
      case 'trace':
        if (typeof value === 'string' && trace === undefined) return void (trace = value)
        break
      case 'span':
        if (typeof value === 'string' && span === undefined) return void (span = value)
        break
      case 'inside':
        if (isObject(value)) {
          for (const key in value) take(key, value[key], depth + 1)
          return
        }
        break
      case undefined:
        break
    }
    if (typeof value === 'object' && value !== null) return inside(name, value, depth)
    set(name, value as LogValue)
  }
  const inside = (name: string, value: object, depth: number): void => {
    if (depth < depthMax && isObject(value)) {
      for (const key in value) take(`${name}.${key}`, value[key], depth + 1)
    } else set(name, JSON.stringify(value))
  }
  const set = (name: string, value: LogValue): void => {
    if (++count <= attributesMax) attr[name] = value
  }

  for (const key in object) take(key, object[key], 0)
  if (count > attributesMax) attr['log.attributes_dropped'] = count - attributesMax
  const status = attr['http.response.status_code']
  if (severity === unsaid && typeof status === 'number') severity = severityOfStatus(status)
  const line = parsedLine(
    source,
    observed,
    timestamp,
    severity,
    body ?? sentence(attr),
    count === 0 ? undefined : attr,
  )
  line.trace = trace
  line.span = span
  return line
}

/** The message of a line without one: what was asked of a server, or nothing. */
function sentence(attr: Readonly<Record<string, LogValue>>): string {
  const method = attr['http.request.method']
  if (method === undefined) return ''
  // An app whose call got no answer says 0, and why.
  const outcome = attr['http.response.status_code'] || attr['error.type']
  return `${String(method)} ${String(attr['url.path'] ?? '')} ${String(outcome ?? '')}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
