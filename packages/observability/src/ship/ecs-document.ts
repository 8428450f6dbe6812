import type { LogAttributes, LogRecord, LogValue } from '@budao/model'

/** A record as the Elastic Common Schema has it, names with dots as they are, as JSON. */
export function ecsJson(record: LogRecord): string {
  const { resource, attributes, body, severityText, severityNumber, traceId, spanId } = record
  // Put together from texts: making one object of it first and writing that takes twice as long.
  for (const name in attributes)
    if (named.has(name) || name in resource) return JSON.stringify(ecsDocument(record))
  let text = `{"@timestamp":"${isoText(record.timestamp)}",${inside(resource)}${inside(attributes)}"message":${JSON.stringify(body)}`
  if (severityText !== '') text += `,"log.level":${JSON.stringify(severityText)}`
  if (severityNumber !== 0) text += `,"event.severity":${severityNumber}`
  if (traceId !== undefined) text += `,"trace.id":${JSON.stringify(traceId)}`
  if (spanId !== undefined) text += `,"span.id":${JSON.stringify(spanId)}`
  return `${text},"event.ingested":"${isoText(record.observed)}"}`
}

/** The same where an attribute has the name of something else: a name stands once, and the record has the last word. */
function ecsDocument(record: LogRecord): Record<string, LogValue> {
  return {
    '@timestamp': isoText(record.timestamp),
    ...record.resource,
    ...record.attributes,
    message: record.body,
    ...(record.severityText === '' ? {} : { 'log.level': record.severityText }),
    ...(record.severityNumber === 0 ? {} : { 'event.severity': record.severityNumber }),
    ...(record.traceId === undefined ? {} : { 'trace.id': record.traceId }),
    ...(record.spanId === undefined ? {} : { 'span.id': record.spanId }),
    'event.ingested': isoText(record.observed),
  }
}

const named: ReadonlySet<string> = new Set([
  '@timestamp',
  'message',
  'log.level',
  'event.severity',
  'trace.id',
  'span.id',
  'event.ingested',
])

/** Without its braces, with a comma behind it; nothing where there is nothing. */
function inside(values: LogAttributes): string {
  const json = JSON.stringify(values)
  return json.length > 2 ? `${json.slice(1, -1)},` : ''
}

let lastSecond = Number.NaN
let lastText = ''

/** ISO 8601 in UTC. Many records have the same second. */
function isoText(ms: number): string {
  const second = Math.floor(ms / 1_000)
  if (second !== lastSecond) {
    lastText = new Date(second * 1_000).toISOString().slice(0, -4)
    lastSecond = second
  }
  const rest = Math.floor(ms - second * 1_000)
  return `${lastText}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
}
