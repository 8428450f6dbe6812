import type {
  BrokerAccess,
  LogFilter,
  LogIntakeReport,
  LogRecord,
  LogsAnswer,
  LogSinkConfig,
  LogSinkReport,
  LogsTally,
} from '@budao/model'
import type { LogQuery, LogTallyQuery } from '../store/log-search.ts'
import type { LogPlace } from '../store/segment-reader.ts'
import type { LogFilesPlan } from './log-plan.ts'

/** What the thread that reads and appends starts with. */
export interface IntakeStart {
  readonly folder: string
  readonly files: readonly LogFilesPlan[]
  readonly search: boolean
  readonly keep: number
  readonly bytes: number
  readonly drop: boolean
  /** Whether segments wait for sinks: until these say otherwise, none has been taken. */
  readonly awaited: boolean
  /** As `watch` would say them. */
  readonly filters: readonly LogFilter[]
}

/** What it is told. */
export type ToIntake =
  | { readonly kind: 'close' }
  /** Segments before this one have been taken by every sink. */
  | { readonly kind: 'taken'; readonly segment: number }
  /** Records that pass are sent to the main thread, each filter by its place in the list. */
  | { readonly kind: 'watch'; readonly filters: readonly LogFilter[] }

/** What it says. */
export type FromIntake =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'report'; readonly report: LogIntakeReport }
  | { readonly kind: 'records'; readonly records: readonly LogRecord[] }

/** What the thread that passes on and searches starts with. */
export interface OutletStart {
  readonly folder: string
  readonly search: boolean
  readonly sinks: Readonly<Record<string, LogSinkConfig>>
  /** Of sinks at brokers, by their names. */
  readonly brokerAccess: Readonly<Record<string, BrokerAccess>>
}

/** What it is told. */
export type ToOutlet =
  | { readonly kind: 'close' }
  | { readonly kind: 'find'; readonly id: number; readonly query: LogQuery; readonly budgetMs: number }
  | { readonly kind: 'tally'; readonly id: number; readonly query: LogTallyQuery; readonly budgetMs: number }
  | {
      readonly kind: 'follow'
      readonly id: number
      readonly filter: LogFilter
      /** What comes behind it is brought. */
      readonly from: LogPlace
    }
  | { readonly kind: 'unfollow'; readonly id: number }

/** What it says. */
export type FromOutlet =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'report'; readonly sinks: readonly LogSinkReport[]; readonly taken: number }
  | { readonly kind: 'found'; readonly id: number; readonly answer: LogsAnswer }
  | { readonly kind: 'tallied'; readonly id: number; readonly answer: LogsTally }
  | { readonly kind: 'not-found'; readonly id: number; readonly problem: string }
  | {
      readonly kind: 'followed'
      readonly id: number
      readonly records: readonly LogRecord[]
      readonly missed: number
    }
