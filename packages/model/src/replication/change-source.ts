import type { Transaction } from './change-event.ts'
import type { RefusedChange } from './event-log.ts'

/** Where the changes of this site's database come from: an outbox, or the database's own log. */
export interface ChangeSource {
  /**
   * The next whole transactions in the order of their commits, each at least once, from behind the last batch that was
   * confirmed before the source was opened; waits for some. Null: it was closed. Rejects with `SourceGapError` where
   * changes are missing. Only changes made at this site: what the applier wrote comes from elsewhere and is left out.
   * One call at a time; who does not ask is not flooded.
   */
  next(): Promise<SourceBatch | null>
  /** Everything up to this batch is durable in the log: a restart begins behind it. */
  confirm(position: string): Promise<void>
  /**
   * Begins where the database is now: what is missing before stays missing, which a person has accepted. Undefined: nothing can
   * be missing.
   */
  beginAnew?(): Promise<void>
  /** Ends it, also a `next` under way. */
  close(): Promise<void>
}

/** Changes, and where the source stands behind them. */
export interface SourceBatch {
  readonly transactions: readonly Transaction[]
  /** Of the source's own kind, such as a GTID; only handed back. */
  readonly position: string
  /** Changes that could not be read as events, each with the reason; they go to the dead letters of this site. */
  readonly refused?: readonly RefusedChange[]
}

/** Changes are gone that nobody has read: stops loudly, is never skipped. */
export class SourceGapError extends Error {
  readonly code = 'source-gap'
}
