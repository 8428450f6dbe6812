import type { ChangeEvent, Row } from './change-event.ts'
import type { LogEntry, LogPosition } from './event-log.ts'
import type { MergeRuleName } from './merge-rule.ts'

/**
 * Writes the changes of other sites into this site's database. The rows, what they were merged from, the ids that were
 * seen and the watermark are changed in one database transaction, so a crash at any instruction repeats nothing and
 * loses nothing.
 */
export interface Applier {
  /** Where to go on reading the log of `origin`: behind the last entry that was applied; null: from its beginning. */
  watermark(origin: string, partition: number): Promise<LogPosition | null>
  /**
   * Applies entries in order, whole transactions at a time, all or nothing. What was applied before is skipped by id.
   * An event that cannot be applied parks its key: it and later ones of that key become dead letters, others flow.
   * Rejects when the database cannot be asked: the same batch may be given again.
   */
  apply(batch: ApplyBatch): Promise<ApplyResult>
  /** It works on the thread of who calls it: a batch of about this many events holds that for some milliseconds, a larger one for longer. Absent: the larger the better. */
  readonly eventsMax?: number
  close(): Promise<void>
}

/** Entries of one partition of one site's log, in its order. */
export interface ApplyBatch {
  readonly origin: string
  readonly entries: readonly LogEntry[]
  /** The position behind the last of them: the new watermark. */
  readonly next: LogPosition
}

/** What became of a batch, event by event. */
export interface ApplyResult {
  readonly applied: number
  /** Seen before, and skipped. */
  readonly duplicates: number
  readonly conflicts: number
  /** Put among the dead letters, for these reasons. */
  readonly parked: readonly DeadLetterReason[]
}

/** Two sites changed the same row without knowing of each other; how it was decided. */
export interface Conflict {
  /** Of this database: 1, 2, 3, … */
  readonly id: number
  readonly table: string
  readonly key: string
  /** Wall-clock time, ISO 8601 in UTC. */
  readonly at: string
  readonly rule: MergeRuleName
  /** Whose change stands: of `merged` both. */
  readonly winner: 'local' | 'remote' | 'merged' | 'parked'
  /** The row that was here; null: none. */
  readonly local: Row | null
  /** The change that came. */
  readonly remote: ChangeEvent
  /** The row that stands now. */
  readonly result: Row | null
  /** A person has taken the decision back: the other side's row stands, as a new change of that moment. */
  readonly undone: boolean
}

/** An event that waits for a person. */
export interface DeadLetter {
  /** Of this database: 1, 2, 3, …; letters of one key are retried in this order. */
  readonly id: number
  readonly origin: string
  readonly table: string
  readonly key: string
  readonly at: string
  readonly reason: DeadLetterReason
  /** One sentence: expected, found. */
  readonly detail: string
  readonly attempts: number
  /** The event as it came, at most the first 64 KiB of what is none. */
  readonly event: string
}

/** Why an event waits. A closed list. */
export const deadLetterReasons = [
  'not-an-event',
  'too-large',
  'hash-differs',
  'clock-ahead',
  'old-epoch',
  'unknown-table',
  'schema-breaks',
  'table-paused',
  'database-refuses',
  'conflict-parked',
  'behind-parked',
  'undone',
] as const

/**
 * not-an-event: broken JSON, a field missing or of the wrong kind. too-large: beyond `eventBytesMax`. hash-differs: it was
 * changed on its way. clock-ahead: its stamp is further ahead than is believed. old-epoch: its writer had been fenced.
 * unknown-table: nothing here is replicated under that name. schema-breaks: the table here cannot hold it; table-paused:
 * came after such a one. database-refuses: a constraint, again and again. conflict-parked: the rule leaves it to a person.
 * behind-parked: an earlier event of its key waits. undone: of an epoch that had ended, and its site has taken it back since.
 */
export type DeadLetterReason = (typeof deadLetterReasons)[number]
