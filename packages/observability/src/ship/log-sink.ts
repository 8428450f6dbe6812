import type { SinkRecord } from './sink-record.ts'

/** What became of a batch that was taken, all of it or some. */
export interface SinkAnswer {
  /** Not taken now: to be sent again. */
  readonly again: readonly SinkRecord[]
  /** Will never be taken, as with a value that a field cannot hold; counted and left out. */
  readonly refused: number
  /** Why, of the first of them. */
  readonly reason?: string
  /** The sink asks to be left alone for so long, in milliseconds. */
  readonly waitMs?: number
}

/** Everything was taken. */
export const allTaken: SinkAnswer = { again: [], refused: 0 }

/** Where records are passed on to. One batch at a time. */
export interface LogSink {
  /** Says, while a batch is under way, what will be sent next: a sink may put it together meanwhile. */
  prepare?(records: readonly SinkRecord[]): void
  /** Rejects when nothing is sure to have been taken: the same is sent again. */
  send(records: readonly SinkRecord[], signal: AbortSignal): Promise<SinkAnswer>
  close(): Promise<void>
}

/** A sink that said why it takes nothing now. */
export class SinkBusyError extends Error {
  override name = 'SinkBusyError'
  /** It asked to be left alone for so long, in milliseconds. */
  readonly waitMs: number | undefined

  constructor(message: string, waitMs: number | undefined) {
    super(message)
    this.waitMs = waitMs
  }
}

/** A request that is larger than the sink, or what stands before it, takes: fewer records at a time may do. */
export class SinkTooLargeError extends Error {
  override name = 'SinkTooLargeError'
}
