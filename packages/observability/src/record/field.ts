import type { LogRecord, LogValue } from '@budao/model'

/**
 * The value that a record has under a name. Names of OpenTelemetry (`severity_text`, `body`, `trace_id`) and of the
 * Elastic Common Schema (`log.level`, `message`, `trace.id`) mean the same; others are looked for among attributes,
 * then in the resource.
 */
export function fieldOf(record: LogRecord, name: string): LogValue | undefined {
  switch (name) {
    case 'log.level':
    case 'level':
    case 'severity':
    case 'severity_text':
      return record.severityText
    case 'severity_number':
      return record.severityNumber
    case 'message':
    case 'body':
      return record.body
    case 'trace.id':
    case 'trace_id':
      return record.traceId
    case 'span.id':
    case 'span_id':
      return record.spanId
    case 'service':
      return record.attributes[name] ?? record.resource['service.name']
    case 'host':
      return record.attributes[name] ?? record.resource['host.name']
    case 'event.kind':
      // As rules name it; in the file of events it is only `kind`.
      return record.attributes[name] ?? (isEvent(record) ? record.attributes['kind'] : undefined)
    default:
      return record.attributes[name] ?? record.resource[name]
  }
}

function isEvent({ attributes }: LogRecord): boolean {
  return attributes['event.dataset'] === 'budao.events'
}
