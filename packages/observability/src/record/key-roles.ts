/** What a key of a JSON line is for. `inside`: its keys are attributes of their own names. */
export type KeyRole = 'time' | 'level' | 'number' | 'body' | 'trace' | 'span' | 'inside'

const names: Readonly<Record<KeyRole, readonly string[]>> = {
  time: ['@timestamp', 'timestamp', 'Timestamp', 'time', 'ts', 'at', 'timeUnixNano', 'observedTimeUnixNano'],
  level: ['log.level', 'level', 'severity', 'severityText', 'severity_text', 'SeverityText', 'lvl'],
  number: ['severityNumber', 'severity_number', 'SeverityNumber'],
  body: ['message', 'msg', 'body', 'Body'],
  trace: ['trace.id', 'trace_id', 'traceId', 'TraceId'],
  span: ['span.id', 'span_id', 'spanId', 'SpanId'],
  inside: ['attributes', 'Attributes', 'resource', 'Resource'],
}

/** Names of OpenTelemetry, the Elastic Common Schema, pino, bunyan, zap, logrus, winston, log4j and our own files. */
export const keyRoles: ReadonlyMap<string, KeyRole> = new Map(
  (Object.keys(names) as KeyRole[]).flatMap((role) => names[role].map((name) => [name, role] as const)),
)
