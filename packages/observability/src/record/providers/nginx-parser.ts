import type { LogValue } from '@budao/model'
import { instantOf } from '../instant.ts'
import { type LineParser, parsedLine } from '../line-parser.ts'
import { plainParser } from '../plain-parser.ts'
import { severityOfStatus, unsaid } from '../severity.ts'

/** The format that nginx has by itself. */
export const combinedFormat =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

/** Its variables by the names of OpenTelemetry; others are `nginx.` and their own. */
const names: Readonly<Record<string, string>> = {
  remote_addr: 'client.address',
  remote_user: 'user.name',
  status: 'http.response.status_code',
  body_bytes_sent: 'http.response.body.size',
  bytes_sent: 'http.response.size',
  request_length: 'http.request.size',
  request_method: 'http.request.method',
  request_uri: 'url.original',
  uri: 'url.path',
  args: 'url.query',
  scheme: 'url.scheme',
  host: 'server.address',
  http_host: 'server.address',
  server_port: 'server.port',
  http_referer: 'http.request.header.referer',
  http_user_agent: 'user_agent.original',
  http_x_forwarded_for: 'http.request.header.x-forwarded-for',
}

/** Measured in seconds there. */
const numbers: ReadonlySet<string> = new Set([
  'status',
  'body_bytes_sent',
  'bytes_sent',
  'request_length',
  'server_port',
  'request_time',
  'upstream_response_time',
  'upstream_connect_time',
  'upstream_header_time',
  'connection',
  'connection_requests',
])

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

interface Part {
  readonly variable: string
  readonly name: string
  /** Text before it. */
  readonly before: string
}

/**
 * Lines as `log_format` says: what stands between two variables is where the first ends. A line that does not fit is
 * read as text. Throws where two variables touch: nothing would say where one ends.
 */
export function nginxParser(format: string): LineParser {
  const pieces = format.split(/\$(?:\{(\w+)\}|(\w+))/)
  const parts: Part[] = []
  for (let index = 0; index + 3 < pieces.length; index += 3) {
    const variable = pieces[index + 1] ?? pieces[index + 2]!
    const before = pieces[index]!
    if (before === '' && index > 0)
      throw new Error(`nothing between $${parts.at(-1)!.variable} and $${variable}`)
    parts.push({ variable, name: names[variable] ?? `nginx.${variable}`, before })
  }
  const end = pieces.at(-1)!

  return (text, source, observed) => {
    const attr: Record<string, LogValue> = {}
    let timestamp: number | undefined
    let severity = unsaid
    let body = text
    let at = 0
    for (let index = 0; index < parts.length; index++) {
      const { variable, name, before } = parts[index]!
      if (!text.startsWith(before, at)) return plainParser(text, source, observed)
      at += before.length
      const until = parts[index + 1]?.before ?? end
      const stop = until === '' ? text.length : text.indexOf(until, at)
      if (stop < 0) return plainParser(text, source, observed)
      const value = text.slice(at, stop)
      at = stop
      if (value === '-' || value === '') continue
      if (variable === 'time_local') timestamp = timeLocal(value)
      else if (variable === 'time_iso8601' || variable === 'msec') timestamp = instantOf(value)
      else if (variable === 'request') {
        body = value
        splitRequest(value, attr)
      } else {
        const number = numbers.has(variable) ? Number(value) : Number.NaN
        attr[name] = Number.isNaN(number) ? value : number
        if (variable === 'status') severity = severityOfStatus(number)
      }
    }
    const status = attr['http.response.status_code']
    if (body !== text && status !== undefined) body = `${body} ${String(status)}`
    return parsedLine(source, observed, timestamp, severity, body, attr)
  }
}

function splitRequest(request: string, attr: Record<string, LogValue>): void {
  const first = request.indexOf(' ')
  const last = request.lastIndexOf(' ')
  // What a port scanner sent is whatever it is.
  if (first < 0 || last === first) return void (attr['http.request.line'] = request)
  const target = request.slice(first + 1, last)
  const question = target.indexOf('?')
  attr['http.request.method'] = request.slice(0, first)
  attr['url.path'] = question < 0 ? target : target.slice(0, question)
  if (question >= 0) attr['url.query'] = target.slice(question + 1)
  attr['network.protocol.version'] = request.slice(last + 1).replace('HTTP/', '')
}

let lastTime = ''
let lastInstant: number | undefined

/** `27/Nov/2026:02:05:00 +0800`. Many lines have the same second. */
function timeLocal(value: string): number | undefined {
  if (value === lastTime) return lastInstant
  const month = months.indexOf(value.slice(3, 6)) + 1
  const date = `${value.slice(7, 11)}-${String(month).padStart(2, '0')}-${value.slice(0, 2)}`
  lastTime = value
  lastInstant = instantOf(`${date}T${value.slice(12, 20)}${value.slice(21, 24)}:${value.slice(24, 26)}`)
  return lastInstant
}
