import type { LogParserConfig } from './providers/log-parser.ts'
import type { LogSinkKind } from './providers/log-sink.ts'

/** Logs that are collected, kept and passed on. Times in milliseconds, sizes in bytes. */
export interface LogsConfig {
  /** Files that are read. */
  readonly files: readonly LogFilesConfig[]
  /** Budao's own: events, the audit log, access logs with a path. Default true. */
  readonly own: boolean
  readonly store: LogStoreConfig
  /** Where they are passed on to, by name. */
  readonly sinks: Readonly<Record<string, LogSinkConfig>>
}

/** Files that are read in one way. */
export interface LogFilesConfig {
  /** Relative to the configuration file, with `*`, `**`, `?`, `[…]`, `{…}`. */
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
  /** `service.name` of their records. */
  readonly service?: string
  /** More attributes of their records. */
  readonly attributes: Readonly<Record<string, string>>
  /** How a line is read. Default `auto`: JSON where it begins like it, otherwise text. */
  readonly parser: LogParserConfig
  readonly encoding: LogEncoding
  /** Which lines belong together; absent: each stands for itself. */
  readonly multiline?: MultilineConfig
  /** Where a file is begun that was there before Budao first looked. Default `beginning`. */
  readonly startAt: 'beginning' | 'end'
  /** Longer lines are cut. Default 256 KiB. */
  readonly lineBytes: number
}

/** Encodings in which the byte 10 ends a line and stands nowhere else. */
export const logEncodings = ['utf-8', 'gb18030', 'gbk', 'big5', 'latin1'] as const

/** One of `logEncodings`. */
export type LogEncoding = (typeof logEncodings)[number]

/** Several lines that are one record. Exactly one of `start` and `continue`. */
export interface MultilineConfig {
  /** A line that this matches begins a record. */
  readonly start?: string
  /** A line that this matches belongs to the one before. */
  readonly continue?: string
  /** Most lines of one record. Default 500. */
  readonly lines: number
  /** A record is over when nothing has come for so long. Default 1 s. */
  readonly quiet: number
}

/** Where records are kept to be searched, and wait for sinks. */
export interface LogStoreConfig {
  /** Whether they can be searched. Default true. */
  readonly search: boolean
  /** Older ones go. Default 7 days. */
  readonly keep: number
  /** Most that all take on the disk; then the oldest go. Default 4 GiB. */
  readonly bytes: number
  /** When what no sink has taken yet would have to go: reading waits, or it goes, counted. Default `block`. */
  readonly whenFull: 'block' | 'drop'
}

/** Where records are passed on to: what it is, and what it gets. */
export type LogSinkConfig = LogSinkKind & {
  /** Only records that pass. Default all. */
  readonly filter?: string
  /** Most records of one request. Default 1000. */
  readonly batch: number
  /** How long a request may take. Default 10 s. */
  readonly timeout: number
}
