import type { LogRecord, SeverityName } from './log-record.ts'

/** How logs of one process go: what the admin API answers. Counts are since its start. */
export interface LogsReport {
  /** Null until the first second is over. */
  readonly intake: LogIntakeReport | null
  readonly sinks: readonly LogSinkReport[]
}

/** How the reading goes. */
export interface LogIntakeReport {
  /** Records appended. */
  readonly lines: number
  /** Bytes of files read. */
  readonly bytes: number
  /** Lines that were cut. */
  readonly truncated: number
  /** Lines with bytes that are not of their encoding, or NUL. */
  readonly damaged: number
  /** Appends that the disk did not take; each was tried again. */
  readonly failed: number
  /** Files open now. */
  readonly files: number
  readonly opened: number
  /** Files read to the end after they had been rotated away. */
  readonly rotated: number
  /** Files that were truncated under us. */
  readonly truncations: number
  /** Files beyond the most that are open at a time. */
  readonly waiting: number
  /** Files that cannot be opened or read, as for want of rights; each is tried again once a second. */
  readonly unreadable: number
  readonly storeBytes: number
  readonly segments: number
  /** Bytes that went before every sink had them, with `whenFull: drop`. */
  readonly droppedBytes: number
  /** Records that rules should have seen and that were too many at a time. */
  readonly unwatched: number
  /** Why nothing is read; null while it is. */
  readonly problem: string | null
}

/** What a sink did, and how it is. */
export interface LogSinkReport {
  readonly name: string
  readonly sent: number
  /** Records that it will never take. */
  readonly refused: number
  /** Why, of the last of them; null: none was refused. */
  readonly refusal: string | null
  /** Requests that failed or asked for patience; their records were sent again. */
  readonly retries: number
  /** The segment that it is at. */
  readonly segment: number
  /** Why it takes nothing now; null while it does. */
  readonly problem: string | null
}

/** What a search is for. */
export interface LogsQuery {
  /** As `parseLogFilter` reads it. */
  readonly filter: string
  /** Of `timestamp`, milliseconds since 1970, both included. */
  readonly from: number
  readonly to: number
  /** At most this many, the latest. */
  readonly limit: number
}

/** What a search found. */
export interface LogsAnswer {
  /** The latest first. */
  readonly records: readonly LogRecord[]
  /** False: older ones may pass too; `limit` was reached, or the time was over. */
  readonly complete: boolean
  /** What it cost. `skipped`: blocks that the index ruled out. */
  readonly read: {
    readonly blocks: number
    readonly skipped: number
    readonly bytes: number
    readonly lines: number
  }
}

/** What is counted: everything that passes, by level and time. */
export interface LogsTallyQuery extends Omit<LogsQuery, 'limit'> {
  /** Into so many bars of equal width, 1 to 200. */
  readonly bars: number
}

/** The levels that are counted apart; `none`: not said. */
export type TallyLevel = SeverityName | 'none'

/** How many records of each level came when. */
export interface LogsTally {
  /** Where the first bar begins, milliseconds since 1970: what was asked for, or the oldest record there is. */
  readonly from: number
  /** Width of a bar, milliseconds. */
  readonly stepMs: number
  /** By level, one number a bar. A level that nothing has is left out. */
  readonly levels: Readonly<Partial<Record<TallyLevel, readonly number[]>>>
  readonly total: number
  /** False: the time was over; the latest were counted, older bars are too low. */
  readonly complete: boolean
  readonly read: LogsAnswer['read']
}

/** Asks about logs, and follows them. */
export interface LogsDesk {
  report(): LogsReport
  /** Rejects with LogFilterError, or where nothing can be searched. */
  query(query: LogsQuery): Promise<LogsAnswer>
  /** The same for how many there are. */
  tally(query: LogsTallyQuery): Promise<LogsTally>
  /** Calls `listener` for what comes from now on. Returns the way to stop; null when too many follow already. */
  follow(
    filter: string,
    listener: (records: readonly LogRecord[], missed: number) => void,
  ): (() => void) | null
}
