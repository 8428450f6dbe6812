import type { LogAttributes, LogRecord } from '@budao/model'

/**
 * What a parser makes of a line: a record without what its source knows. Its keys, and their order, are those of a line
 * in the store, so that writing it is one call.
 */
export interface ParsedLine {
  /** `timestamp` of the record. */
  ts: number
  /** `observed`; absent where it is the same. */
  obs: number | undefined
  /** Number of the source. */
  src: number
  /** `severityNumber`; absent where it is 0. */
  sev: number | undefined
  /** `severityText`. */
  level: string | undefined
  trace: string | undefined
  span: string | undefined
  body: string
  attr: LogAttributes | undefined
}

/** A record as whoever asks sees it. */
export function recordOf(
  line: ParsedLine,
  origin: { readonly resource: LogAttributes; readonly attributes: LogAttributes },
): LogRecord {
  return {
    timestamp: line.ts,
    observed: line.obs ?? line.ts,
    severityNumber: line.sev ?? 0,
    severityText: line.level ?? '',
    body: line.body,
    ...(line.trace === undefined ? {} : { traceId: line.trace }),
    ...(line.span === undefined ? {} : { spanId: line.span }),
    resource: origin.resource,
    attributes: line.attr === undefined ? origin.attributes : { ...origin.attributes, ...line.attr },
  }
}
