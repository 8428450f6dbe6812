import type { LogAttributes, LogRecord, LogValue } from '@budao/model'
import type { LogOrigin } from '../record/log-origin.ts'
import { type LineParts, placesOfAttribute } from '../store/line-parts.ts'
import type { ByteText } from '../record/byte-text.ts'
import { IsoStamp } from './iso-stamp.ts'

/** A record as the Elastic Common Schema has it, names with dots as they are, as JSON. */
export function ecsJson(record: LogRecord): string {
  const { resource, attributes, body, severityText, severityNumber, traceId, spanId } = record
  // Put together from texts: making one object of it first and writing that takes twice as long.
  for (const name in attributes)
    if (named.has(name) || name in resource) return JSON.stringify(ecsDocument(record))
  let text = `{"@timestamp":"${isoText(happened, record.timestamp)}",${inside(resource)}${inside(attributes)}"message":${JSON.stringify(body)}`
  if (severityText !== '') text += `,"log.level":${JSON.stringify(severityText)}`
  if (severityNumber !== 0) text += `,"event.severity":${severityNumber}`
  if (traceId !== undefined) text += `,"trace.id":${JSON.stringify(traceId)}`
  if (spanId !== undefined) text += `,"span.id":${JSON.stringify(spanId)}`
  return `${text},"event.ingested":"${isoText(observed, record.observed)}"}`
}

/**
 * Adds the same of a line in the store, put together from its own bytes. False, and nothing is added, where an attribute has the name of something
 * that the record says itself.
 */
export function addEcs(to: ByteText, parts: LineParts, origin: LogOrigin): boolean {
  const { bytes, level, sev, trace, span, body, attributes } = parts
  const inherited = ecsOrigin(origin).without(parts)
  if (inherited === null) return false
  to.add(keys.timestamp)
  to.add(happened.of(parts.ts))
  to.add(inherited)
  if (!attributes.isEmpty) {
    to.add(bytes, attributes.from, attributes.to)
    to.add(keys.comma)
  }
  to.add(keys.message)
  to.add(bytes, body.from, body.to)
  if (!level.isEmpty) {
    to.add(keys.level)
    to.add(bytes, level.from, level.to)
  }
  if (!sev.isEmpty) {
    to.add(keys.severity)
    to.add(bytes, sev.from, sev.to)
  }
  if (!trace.isEmpty) {
    to.add(keys.trace)
    to.add(bytes, trace.from, trace.to)
  }
  if (!span.isEmpty) {
    to.add(keys.span)
    to.add(bytes, span.from, span.to)
  }
  to.add(ingested(parts.obs))
  return true
}

/** The end of a document: what was read at once has the same. */
function ingested(at: number): Buffer {
  if (at !== ingestedAt) {
    ingestedEnd = Buffer.from(`,"event.ingested":"${isoText(observed, at)}"}`)
    ingestedAt = at
  }
  return ingestedEnd
}

let ingestedAt = Number.NaN
let ingestedEnd = Buffer.alloc(0)

const keys = {
  timestamp: Buffer.from('{"@timestamp":"'),
  comma: Buffer.from(','),
  message: Buffer.from('"message":'),
  level: Buffer.from(',"log.level":'),
  severity: Buffer.from(',"event.severity":'),
  trace: Buffer.from(',"trace.id":'),
  span: Buffer.from(',"span.id":'),
} as const

/** When it happened and when it was read are seldom of one second: each has its own. */
const happened = new IsoStamp()
const observed = new IsoStamp()

/** Sets of names that lines of one source hide; more are put together each time. */
const hiddenMax = 100

/** What a source gives to each of its records: JSON that goes on behind a time, up to behind a comma. */
class EcsOrigin {
  readonly #values: LogAttributes
  readonly #names: ReadonlySet<string>
  /** By what attributes hide of it. */
  readonly #texts = new Map<string, Buffer>()
  /** Attributes whose length, first and last byte are of no name that matters need no look at the others. */
  readonly #suspects = new Uint8Array(256)

  constructor({ resource, attributes }: LogOrigin) {
    this.#values = { ...resource, ...attributes }
    this.#names = new Set(Object.keys(this.#values).map(inLine))
    for (const name of [...named, ...this.#names]) {
      const bytes = Buffer.from(name, 'latin1')
      this.#suspects[trait(bytes, 0, bytes.length)] = 1
    }
  }

  /** Without what attributes of a record say otherwise; null where they have a name of the record’s own. */
  without({ bytes, places, placesUsed }: LineParts): Buffer | null {
    let hidden = ''
    for (let at = 0; at < placesUsed; at += placesOfAttribute) {
      const from = places[at]!
      const to = places[at + 1]!
      if (this.#suspects[trait(bytes, from, to)] === 0) continue
      const name = bytes.toString('latin1', from, to)
      if (named.has(name)) return null
      if (this.#names.has(name)) hidden += `${name}\n`
    }
    return this.#texts.get(hidden) ?? this.#textWithout(hidden)
  }

  #textWithout(hidden: string): Buffer {
    const names = new Set(hidden.split('\n'))
    const left = Object.entries(this.#values).filter(([name]) => !names.has(inLine(name)))
    const text = Buffer.from(`",${inside(Object.fromEntries(left))}`)
    if (this.#texts.size < hiddenMax) this.#texts.set(hidden, text)
    return text
  }
}

const origins = new WeakMap<LogOrigin, EcsOrigin>()
/** Lines of one source come in rows. */
let lastOrigin: LogOrigin | null = null
let lastEcs: EcsOrigin | null = null

function ecsOrigin(origin: LogOrigin): EcsOrigin {
  if (origin === lastOrigin) return lastEcs!
  let known = origins.get(origin)
  if (known === undefined) origins.set(origin, (known = new EcsOrigin(origin)))
  lastOrigin = origin
  lastEcs = known
  return known
}

function trait(bytes: Buffer, from: number, to: number): number {
  return ((to - from) * 31 + bytes[from]! * 7 + bytes[to - 1]!) & 0xff
}

/** A name as a line has it, a letter for each byte. */
function inLine(name: string): string {
  return Buffer.from(JSON.stringify(name).slice(1, -1)).toString('latin1')
}

/** The same where an attribute has the name of something else: a name stands once, and the record has the last word. */
function ecsDocument(record: LogRecord): Record<string, LogValue> {
  return {
    '@timestamp': isoText(happened, record.timestamp),
    ...record.resource,
    ...record.attributes,
    message: record.body,
    ...(record.severityText === '' ? {} : { 'log.level': record.severityText }),
    ...(record.severityNumber === 0 ? {} : { 'event.severity': record.severityNumber }),
    ...(record.traceId === undefined ? {} : { 'trace.id': record.traceId }),
    ...(record.spanId === undefined ? {} : { 'span.id': record.spanId }),
    'event.ingested': isoText(observed, record.observed),
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

function isoText(stamp: IsoStamp, ms: number): string {
  return stamp.of(ms).toString('latin1')
}
