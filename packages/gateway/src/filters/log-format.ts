import type { AccessLogConfig } from '@budao/model'
import { jsonBytes, jsonString } from '../exchange/json-text.ts'
import type { ExchangeRecord, FilterRequest, PartRecord } from './filter.ts'

/** One exchange as a line in ASCII, with its line end. `wallNow` is milliseconds since 1970. */
export type LogFormat = (request: FilterRequest, record: ExchangeRecord, wallNow: number) => string

/** What is the same on every line of a route. */
export interface LogPlace {
  readonly route: string
  readonly node: string
}

type Field = (request: FilterRequest, record: ExchangeRecord, wallNow: number, place: LogPlace) => string

/** Names of OpenTelemetry where it has one; what a template may name, beside `header:Name`. */
const fields: Readonly<Record<string, Field>> = {
  timestamp: (_request, _record, wallNow) => isoTime(wallNow),
  'timestamp.common': (_request, _record, wallNow) => commonTime(wallNow),
  'http.request.method': ({ method }) => method,
  'url.scheme': ({ scheme }) => scheme,
  'server.address': ({ host }) => host,
  'url.path': ({ path }) => path,
  'url.query': ({ query }) => query,
  'network.protocol.version': ({ httpVersion }) => httpVersion,
  'http.response.status_code': (_request, { status }) => String(status),
  'http.server.request.duration_ms': (_request, { durationMs }) => String(rounded(durationMs)),
  'http.request.size': (_request, { requestBytes }) => String(requestBytes),
  'http.response.size': (_request, { responseBytes }) => String(responseBytes),
  'client.address': ({ clientIp }) => clientIp,
  'user_agent.original': (request) => request.header('user-agent') ?? '',
  'budao.request_id': ({ requestId }) => requestId,
  'budao.route': (_request, _record, _wallNow, { route }) => route,
  'budao.node': (_request, _record, _wallNow, { node }) => node,
  'budao.endpoint': (_request, { endpoint }) => endpoint,
  'budao.site': (_request, { site }) => site,
  'budao.release': (_request, { release }) => release,
  'budao.release_wanted': (_request, { releaseWanted }) => releaseWanted,
  'budao.attempts': (_request, { attempts }) => String(attempts),
  'budao.answered_by': (_request, { answeredBy }) => answeredBy,
  'budao.reason': (_request, { reason }) => reason,
  'budao.marks': (_request, { marks }) => marks.join(','),
}

const combined =
  '{client.address} - - [{timestamp.common}] "{http.request.method} {url} HTTP/{network.protocol.version}" {http.response.status_code} {http.response.size} "{header:referer}" "{user_agent.original}"'

/** Throws a RangeError for a template that names what there is not. */
export function logFormat({ format, template }: AccessLogConfig, place: LogPlace): LogFormat {
  if (template !== undefined) return templateFormat(template, place)
  return format === 'combined' ? templateFormat(combined, place) : jsonFormat(place)
}

function jsonFormat({ route, node }: LogPlace): LogFormat {
  const constant = `,"budao.route":${jsonString(route)},"budao.node":${jsonString(node)}`
  return (request, record, wallNow) => {
    const agent = request.header('user-agent')
    return (
      `{"timestamp":"${isoTime(wallNow)}"` +
      `,"http.request.method":${jsonBytes(request.method)}` +
      `,"url.scheme":"${request.scheme}"` +
      `,"server.address":${jsonBytes(request.host)}` +
      `,"url.path":${jsonBytes(request.path)}` +
      (request.query === '' ? '' : `,"url.query":${jsonBytes(request.query)}`) +
      `,"network.protocol.version":"${request.httpVersion}"` +
      `,"http.response.status_code":${finite(record.status)}` +
      `,"http.server.request.duration_ms":${rounded(record.durationMs)}` +
      `,"http.request.size":${finite(record.requestBytes)}` +
      `,"http.response.size":${finite(record.responseBytes)}` +
      `,"client.address":${jsonBytes(request.clientIp)}` +
      (agent === undefined ? '' : `,"user_agent.original":${jsonBytes(agent)}`) +
      `,"budao.request_id":${jsonBytes(request.requestId)}` +
      constant +
      `,"budao.endpoint":${jsonString(record.endpoint)}` +
      `,"budao.site":${jsonString(record.site)}` +
      releaseText(record) +
      `,"budao.attempts":${finite(record.attempts)}` +
      `,"budao.answered_by":${jsonString(record.answeredBy)}` +
      (record.reason === '' ? '' : `,"budao.reason":${jsonString(record.reason)}`) +
      (record.marks.length === 0 ? '' : `,"budao.marks":[${record.marks.map(jsonString).join(',')}]`) +
      (record.parts === undefined ? '' : `,"budao.parts":{${record.parts.map(partText).join(',')}}`) +
      '}\n'
    )
  }
}

/** The release that answered; the one that was wanted where that is another. */
function releaseText({ release, releaseWanted }: ExchangeRecord): string {
  if (release === '') return ''
  const answered = `,"budao.release":${jsonString(release)}`
  return release === releaseWanted
    ? answered
    : `${answered},"budao.release_wanted":${jsonString(releaseWanted)}`
}

function partText({ name, status, reason, durationMs, endpoint, attempts }: PartRecord): string {
  return (
    `${jsonString(name)}:{"status":${finite(status)},"duration_ms":${rounded(durationMs)}` +
    `,"endpoint":${jsonString(endpoint)},"attempts":${finite(attempts)}` +
    (reason === '' ? '}' : `,"reason":${jsonString(reason)}}`)
  )
}

/** Compiled once: texts and fields in turn. */
function templateFormat(template: string, place: LogPlace): LogFormat {
  const [first = '', ...rest] = template.split(/\{([^{}]*)\}/)
  const parts: { readonly field: Field; readonly text: string }[] = []
  for (let i = 0; i < rest.length; i += 2)
    parts.push({ field: fieldOf(rest[i]!), text: visible(rest[i + 1]!) })
  const start = visible(first)
  return (request, record, wallNow) => {
    let line = start
    for (const { field, text } of parts) {
      const value = field(request, record, wallNow, place)
      line += (value === '' ? '-' : plain(value)) + text
    }
    return `${line}\n`
  }
}

function fieldOf(name: string): Field {
  if (name === 'url') return ({ path, query }) => (query === '' ? path : `${path}?${query}`)
  const header = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/.exec(name)?.[1]?.toLowerCase()
  if (header !== undefined) return (request) => request.header(header) ?? ''
  if (Object.hasOwn(fields, name)) return fields[name]!
  throw new RangeError(
    `accessLog.template: expected header:Name, url, or one of ${Object.keys(fields).join(', ')} between braces, got {${name}}`,
  )
}

/** As web servers have it in their combined format: quotes and backslashes escaped too, so that a quoted value stays one. */
function plain(text: string): string {
  return visible(text, /[^\x20\x21\x23-\x5b\x5d-\x7e]/g)
}

/** All but visible ASCII as `\xHH`: one exchange is one line. */
function visible(text: string, unsafe = /[^\x20-\x7e]/g): string {
  return text.replace(unsafe, (unit) =>
    Array.from(
      Buffer.from(unit, unit.charCodeAt(0) > 0xff ? 'utf8' : 'latin1'),
      (byte) => `\\x${hex(byte)}`,
    ).join(''),
  )
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0')
}

let second = Number.NaN
let isoSecond = ''
let commonSecond = ''

/** ISO 8601 in UTC. All but the milliseconds is the same for a second, and dear to make. */
function isoTime(wallNow: number): string {
  const now = Math.floor(wallNow)
  inSecond(now)
  return `${isoSecond}${String(now - second * 1000).padStart(3, '0')}Z`
}

/** `10/Oct/2026:13:55:36 +0000`, as the Common Log Format has it, in UTC. */
function commonTime(wallNow: number): string {
  inSecond(Math.floor(wallNow))
  return commonSecond
}

function inSecond(now: number): void {
  if (Math.floor(now / 1000) === second) return
  second = Math.floor(now / 1000)
  const date = new Date(second * 1000)
  isoSecond = date.toISOString().slice(0, -4)
  const [, day, month, year, time] = date.toUTCString().split(' ')
  commonSecond = `${day}/${month}/${year}:${time} +0000`
}

/** JSON has no NaN. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}

/** To microseconds. */
function rounded(ms: number): number {
  return finite(Math.round(ms * 1000) / 1000)
}
