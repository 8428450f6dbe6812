import type { LogRecord, LogValue } from '@budao/model'

/** A record as the Elastic Common Schema has it, names with dots as they are. */
export function ecsDocument(record: LogRecord): Record<string, LogValue> {
  return {
    '@timestamp': new Date(record.timestamp).toISOString(),
    ...record.resource,
    ...record.attributes,
    message: record.body,
    ...(record.severityText === '' ? {} : { 'log.level': record.severityText }),
    ...(record.severityNumber === 0 ? {} : { 'event.severity': record.severityNumber }),
    ...(record.traceId === undefined ? {} : { 'trace.id': record.traceId }),
    ...(record.spanId === undefined ? {} : { 'span.id': record.spanId }),
    'event.ingested': new Date(record.observed).toISOString(),
  }
}
