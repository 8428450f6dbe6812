import type { DeadLetterReason } from './applier.ts'
import type { Transaction } from './change-event.ts'

/**
 * An ordered log of transactions from one site, kept until others have read it. One implementation a provider, one
 * contract suite in testkit. A log has one or more partitions; order holds within each. A transaction whose keys fall
 * into several partitions is one entry in each of them: it is whole only with one partition, the default.
 */
export interface EventLog {
  readonly partitions: number
  /**
   * Appends in this order; resolves once that is as sure as `ack` says, with the position of the last entry of each
   * partition it wrote to. Rejects when nobody knows whether it was stored: appending again may store it twice, never in
   * another order. Rejects with `LogFullError` beyond the limit of the log.
   */
  append(transactions: readonly Transaction[], ack: AckLevel): Promise<readonly LogPosition[]>
  /** Where a partition begins and ends at this moment. Rejects when the log cannot be asked. */
  bounds(partition: number): Promise<LogBounds>
  /** Reads entries from `from` on. Several readers do not disturb each other. */
  read(from: LogPosition, options?: ReadOptions): LogReader
  /** Ends reads and waits for what was being appended. */
  close(): Promise<void>
}

/**
 * accepted: the log has it in memory; lost with the process. durable: it survives the process and the power: on the
 * disk, or at as many brokers as the log's own settings ask for.
 */
export type AckLevel = 'accepted' | 'durable'

/** A place in a log: the entry with this offset, or the end where the next one goes. */
export interface LogPosition {
  /** Of this life of the log: one that was deleted and made again has another. */
  readonly logId: string
  readonly partition: number
  /** From 0, one more with each entry. A provider may leave gaps; it never goes back. */
  readonly offset: number
}

/** The part of a partition that is there. Empty where `first` and `end` are the same. */
export interface LogBounds {
  readonly logId: string
  /** Offset of the oldest entry that is still there. */
  readonly first: number
  /** Offset that the next entry gets. */
  readonly end: number
}

/** One transaction, or this partition's part of it. */
export interface LogEntry {
  readonly offset: number
  /** Empty where nothing of it could be read. */
  readonly events: Transaction
  /** What of it is no event; goes to the dead letters of who applies it. */
  readonly refused?: readonly RefusedChange[]
}

/** Something that is no event. */
export interface RefusedChange {
  readonly reason: DeadLetterReason
  /** One sentence: expected, found. */
  readonly detail: string
  /** As it came, at most `refusedTextMax` characters. */
  readonly text: string
}

/** So much is kept of what is no event, characters. */
export const refusedTextMax = 65_536

/** Follows one partition of a log. */
export interface LogReader {
  /**
   * The next entries: at least once, in order, of at most about `bytesMax`; at the end it waits for more, while the log is
   * away it waits and tries again. Null: the reader was closed. Rejects with `LogTruncatedError` where entries are no longer
   * all there: it never skips. Reads ahead by at most one batch, so who does not ask is not flooded. One call at a time.
   */
  next(): Promise<readonly LogEntry[] | null>
  /** Ends it, also a `next` under way. */
  close(): void
}

/** How a log is read. */
export interface ReadOptions {
  /** About as much is in one batch, bytes of JSON; one entry may be larger. Default 1 MiB. */
  readonly bytesMax?: number
}

/** Entries that a reader needs are gone: it must be made equal again from a snapshot, never by going on. */
export class LogTruncatedError extends Error {
  readonly code = 'log-truncated'
  readonly wanted: LogPosition
  readonly found: LogBounds

  constructor(wanted: LogPosition, found: LogBounds) {
    super(
      `partition ${wanted.partition}: expected entry ${wanted.offset} of log ${wanted.logId}, found ${found.first} to ` +
        `${found.end} of log ${found.logId}: ${truncation(wanted, found)}; resync from a snapshot`,
    )
    this.wanted = wanted
    this.found = found
  }
}

/** The log has reached its limit: the writer must wait or refuse. */
export class LogFullError extends Error {
  readonly code = 'log-full'
}

/** Whether a reader can go on at `wanted`; null: it can. */
export function truncation(
  wanted: LogPosition,
  found: LogBounds,
): 'another log' | 'already removed' | 'not there yet' | null {
  if (wanted.logId !== found.logId) return 'another log'
  if (wanted.offset < found.first) return 'already removed'
  return wanted.offset > found.end ? 'not there yet' : null
}

/** Which partition the events of a key are in: FNV-1a of its code units. */
export function partitionOf(table: string, key: string, partitions: number): number {
  if (partitions === 1) return 0
  let hash = 0x811c9dc5
  for (const text of [table, '\0', key]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return (hash >>> 0) % partitions
}
