/** What an attribute of a record can be; a list or an object inside becomes dotted names, or its JSON text. */
export type LogValue = string | number | boolean | null

/** Values by name, such as `http.route`. */
export type LogAttributes = Readonly<Record<string, LogValue>>

/**
 * One line of a log, whatever wrote it: the fields of OpenTelemetry's data model. Times are milliseconds since 1970,
 * fractions allowed.
 */
export interface LogRecord {
  /** When it happened, by the clock of whatever wrote it. */
  readonly timestamp: number
  /** When Budao first saw it, by its own clock. What has a window of time uses this one: a host with its clock a day
   * ahead must neither fire nor silence anything. */
  readonly observed: number
  /** 1 to 24, as in OpenTelemetry: 9 is info, 17 error. 0: not said. */
  readonly severityNumber: number
  /** As it was written, in lower case: `error`. Empty: not said. */
  readonly severityText: string
  /** The message. */
  readonly body: string
  /** 32 hexadecimal digits. */
  readonly traceId?: string
  /** 16 hexadecimal digits. */
  readonly spanId?: string
  /** Of what wrote it: `service.name`, `host.name`. */
  readonly resource: LogAttributes
  readonly attributes: LogAttributes
}

/** The lowest number of each range of severities. */
export const severities = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
} as const

/** The name of a range of severities. */
export type SeverityName = keyof typeof severities

const names = Object.keys(severities) as SeverityName[]

/** The name of the range that a number is in; undefined for 0. */
export function severityName(number: number): SeverityName | undefined {
  return number < 1 ? undefined : names[Math.min(names.length, Math.ceil(number / 4)) - 1]
}
