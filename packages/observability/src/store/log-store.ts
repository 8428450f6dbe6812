import { LogIndexer } from './log-indexer.ts'
import type { RecordBatch } from './record-batch.ts'
import { SegmentLog, type SegmentLogOptions } from './segment-log.ts'

/** Where records are kept, and how long. */
export interface LogStoreOptions extends SegmentLogOptions {
  /** Whether they can be searched; without it they only wait for sinks. Default true. */
  readonly indexed?: boolean
  /** Older segments go, in milliseconds. */
  readonly ageMax: number
  /** Of all segments together. */
  readonly bytesMax: number
}

/** Records appended, indexed and forgotten. Blocking, for a thread of its own. */
export class LogStore {
  readonly log: SegmentLog
  /** Bytes of segments that went before every sink had them. */
  droppedBytes = 0
  readonly #indexer: LogIndexer | null
  readonly #options: LogStoreOptions

  /** Opens it, cuts off what a crash tore, and indexes what is not yet. */
  static open(options: LogStoreOptions): LogStore {
    const { folder, warn, indexed = true } = options
    const log = SegmentLog.open(options)
    const indexer = indexed ? new LogIndexer({ folder, log, warn }) : null
    indexer?.catchUp(Infinity)
    return new LogStore(log, indexer, options)
  }

  private constructor(log: SegmentLog, indexer: LogIndexer | null, options: LogStoreOptions) {
    this.log = log
    this.#indexer = indexer
    this.#options = options
  }

  /** Appends all of it or nothing; throws when the disk does not take it, and the same may be tried again. */
  append(batch: RecordBatch, positions: Readonly<Record<string, unknown>>): void {
    const place = this.log.append(batch, positions)
    const end = this.log.segments.at(-1)!.bytes
    this.#indexer?.gather(place, end, batch, (number) => this.log.origin(number))
  }

  /** Whether one segment more would be within `bytesMax`. */
  get hasRoom(): boolean {
    return this.log.bytes < this.#options.bytesMax
  }

  /**
   * Once a second or so: makes what was indexed visible, has what was appended on the disk, and lets old segments go: those
   * before `taken` when they are too old or too many, later ones only where `drop` says so.
   */
  tend(taken: number, drop: boolean): void {
    this.#indexer?.tend()
    this.log.sync()
    const { ageMax, bytesMax, indexed = true, now } = this.#options
    let removed = 0
    while (this.log.segments.length > 1) {
      const { number, bytes, changed } = this.log.segments[0]!
      const isTaken = number < taken
      const isOver = this.log.bytes > bytesMax || now() - changed > ageMax || (!indexed && isTaken)
      if (!isOver || !(isTaken || drop)) break
      if (!isTaken) this.droppedBytes += bytes
      this.log.removeOldest()
      removed++
    }
    if (removed > 0) this.#indexer?.trim()
  }

  close(): void {
    this.#indexer?.close()
    this.log.close()
  }
}
