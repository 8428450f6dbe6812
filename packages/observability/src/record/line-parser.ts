import type { LogAttributes } from '@budao/model'
import type { ParsedLine } from './parsed-line.ts'
import type { Severity } from './severity.ts'

/** Reads one line, or several that belong together. Whatever it is given, it makes a record of it. */
export type LineParser = (text: string, source: number, observed: number) => ParsedLine

/** The line as `ParsedLine` wants it: what is empty is left out. */
export function parsedLine(
  source: number,
  observed: number,
  timestamp: number | undefined,
  { severityNumber, severityText }: Severity,
  body: string,
  attr: LogAttributes | undefined,
): ParsedLine {
  // One shape for all: with the keys always in this order the engine writes them fastest.
  return {
    ts: timestamp ?? observed,
    obs: timestamp === undefined || timestamp === observed ? undefined : observed,
    src: source,
    sev: severityNumber === 0 ? undefined : severityNumber,
    level: severityText === '' ? undefined : severityText,
    trace: undefined,
    span: undefined,
    body,
    attr,
  }
}
