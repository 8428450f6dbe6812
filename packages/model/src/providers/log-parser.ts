/** How a line becomes a record. `pino` is JSON with numbers as levels, as `json` reads too. */
export type LogParserConfig = LogParserName | { readonly nginx: NginxLogConfig }

/** Parsers without settings. */
export const logParserNames = ['auto', 'json', 'pino', 'logfmt', 'plain', 'nginx'] as const

/** One of `logParserNames`. */
export type LogParserName = (typeof logParserNames)[number]

/** Lines of an access log. */
export interface NginxLogConfig {
  /** As `log_format` says it. */
  readonly format: string
}
