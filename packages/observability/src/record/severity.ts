import { type LogRecord, severityName, wordIn } from '@budao/model'

/** How sure a record is of its level: the number of OpenTelemetry, and the word in lower case. */
export type Severity = Pick<LogRecord, 'severityNumber' | 'severityText'>

export const unsaid: Severity = { severityNumber: 0, severityText: '' }

/** Words of syslog, log4j, zap, Python and others; those that mean the same get the same word. */
const words: Readonly<Record<string, readonly [word: string, number: number]>> = {
  trace: ['trace', 1],
  verbose: ['trace', 1],
  silly: ['trace', 1],
  debug: ['debug', 5],
  fine: ['debug', 5],
  info: ['info', 9],
  information: ['info', 9],
  notice: ['notice', 10],
  warn: ['warn', 13],
  warning: ['warn', 13],
  error: ['error', 17],
  err: ['error', 17],
  severe: ['error', 17],
  critical: ['critical', 18],
  crit: ['critical', 18],
  alert: ['alert', 19],
  fatal: ['fatal', 21],
  panic: ['fatal', 21],
  dpanic: ['fatal', 21],
  emerg: ['fatal', 21],
  emergency: ['fatal', 21],
}

// Every line asks: a map of what was seen saves its case folding.
const seen = new Map<string, Severity>()
const seenMax = 1_000

/** What a written level means; one that nobody knows keeps its word and has number 0. */
export function severityOf(text: string): Severity {
  const known = seen.get(text)
  if (known !== undefined) return known
  const lower = text.toLowerCase()
  const [severityText, severityNumber] = wordIn(words, lower) ?? [lower, 0]
  const severity = { severityNumber, severityText }
  if (seen.size < seenMax) seen.set(text, severity)
  return severity
}

/** The level of OpenTelemetry's number. */
export function severityOfNumber(severityNumber: number): Severity {
  return { severityNumber, severityText: severityName(severityNumber) ?? '' }
}

/** Levels as pino and bunyan write them: 10, 20, … 60. */
export function severityOfTens(level: number): Severity {
  return severityOfNumber(Math.max(1, Math.min(21, Math.ceil(level / 10) * 4 - 3)))
}

/** What the status of an answer says: a server's error, a client's, or none. */
export function severityOfStatus(status: number): Severity {
  return severityOf(status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info')
}
