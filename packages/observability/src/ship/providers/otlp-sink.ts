import type { LogAttributes, LogRecord, LogValue, OtlpSinkConfig } from '@budao/model'
import { HttpSender } from '../http-sender.ts'
import { allTaken, type LogSink } from '../log-sink.ts'

/** OTLP over HTTP as JSON, one `resourceLogs` for each resource. */
export function otlpSink({ url, headers }: OtlpSinkConfig): LogSink {
  const sender = new HttpSender(url, { ...headers, 'content-type': 'application/json' })
  return {
    async send(records, signal) {
      const body = JSON.stringify({ resourceLogs: resourceLogs(records.map(({ record }) => record)) })
      const { status, text } = await sender.post(Buffer.from(body), signal)
      if (status === 400) return { again: [], refused: records.length, reason: text.slice(0, 200) }
      if (status >= 300) throw new Error(`${status} ${text.slice(0, 200)}`)
      return partial(text)
    },
    close: async () => sender.close(),
  }
}

/** A collector may take some: by the protocol what it then refused is not sent again. */
function partial(text: string): ReturnType<typeof judged> {
  try {
    const { partialSuccess } = JSON.parse(text) as {
      partialSuccess?: { rejectedLogRecords?: string | number; errorMessage?: string }
    }
    return judged(Number(partialSuccess?.rejectedLogRecords ?? 0), partialSuccess?.errorMessage)
  } catch {
    return allTaken
  }
}

function judged(refused: number, reason = ''): typeof allTaken {
  return refused > 0 ? { again: [], refused, reason: reason.slice(0, 200) } : allTaken
}

function resourceLogs(records: readonly LogRecord[]): unknown[] {
  const byResource = new Map<LogAttributes, LogRecord[]>()
  for (const record of records) {
    const group = byResource.get(record.resource)
    if (group === undefined) byResource.set(record.resource, [record])
    else group.push(record)
  }
  return [...byResource].map(([resource, group]) => ({
    resource: { attributes: keyValues(resource) },
    scopeLogs: [{ scope: { name: 'budao' }, logRecords: group.map(logRecord) }],
  }))
}

function logRecord(record: LogRecord): unknown {
  return {
    timeUnixNano: nanoseconds(record.timestamp),
    observedTimeUnixNano: nanoseconds(record.observed),
    ...(record.severityNumber === 0 ? {} : { severityNumber: record.severityNumber }),
    ...(record.severityText === '' ? {} : { severityText: record.severityText }),
    body: { stringValue: record.body },
    attributes: keyValues(record.attributes),
    ...(isHex(record.traceId, 32) ? { traceId: record.traceId } : {}),
    ...(isHex(record.spanId, 16) ? { spanId: record.spanId } : {}),
  }
}

function keyValues(attributes: LogAttributes): unknown[] {
  return Object.entries(attributes)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: LogValue): unknown {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  // 64-bit integers are texts in OTLP's JSON.
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** Another length would have the whole request refused. */
function isHex(text: string | undefined, length: number): boolean {
  return text?.length === length && /^[0-9a-f]+$/i.test(text)
}

function nanoseconds(ms: number): string {
  const whole = Math.floor(ms)
  return `${whole}${String(Math.round((ms - whole) * 1e6)).padStart(6, '0')}`
}
