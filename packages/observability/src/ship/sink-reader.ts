import type { RecordTest } from '../record/filter-match.ts'
import type { LogDecoder } from '../store/log-decoder.ts'
import { type LogPiece, PieceMemory, readLog } from '../store/segment-reader.ts'
import type { SinkPlace } from './sink-place.ts'
import { type SinkRecord, sinkRecords } from './sink-record.ts'

/** What a reader is made of. */
export interface SinkReaderOptions {
  readonly folder: string
  readonly decoder: LogDecoder
  /** Null: all records. */
  readonly test: RecordTest | null
  /** Records of one request. */
  readonly batch: number
}

/** Records of one request, of which there may be none, and where a sink is that has taken them. */
export interface SinkBatch {
  readonly records: readonly SinkRecord[]
  readonly after: SinkPlace
}

const requestBytesMax = 4_194_304
/** Several batches: the last one of a piece has what is left. */
const pieceBytes = 1_048_576

/** Cuts the log into batches, in its order. A batch can be read until the next but one is asked for. */
export class SinkReader {
  readonly #options: SinkReaderOptions
  /** One for what a sink is at, one for what comes next. */
  readonly #memories: [PieceMemory, PieceMemory] = [new PieceMemory(pieceBytes), new PieceMemory(pieceBytes)]
  #place: SinkPlace
  #piece: LogPiece | null = null
  /** Of the piece. */
  #records: readonly SinkRecord[] = []

  constructor(options: SinkReaderOptions, place: SinkPlace) {
    this.#options = options
    this.#place = place
  }

  /** Whether there is surely more already: what has just been written waits for company. */
  get hasMore(): boolean {
    return this.#piece !== null && (this.#place.done > 0 || this.#piece.bytes.length > pieceBytes / 2)
  }

  /** Null when there is nothing yet. */
  next(): SinkBatch | null {
    // Behind the last record of a piece the place is where the next one begins.
    const piece = this.#piece !== null && this.#place.done > 0 ? this.#piece : this.#read()
    if (piece === null) return null
    const { records, end } = this.#cut()
    const isOver = end >= this.#records.length
    this.#place = isOver
      ? { ...piece.next, done: 0 }
      : { segment: piece.segment, offset: piece.offset, done: end }
    return { records, after: this.#place }
  }

  #read(): LogPiece | null {
    this.#memories.reverse()
    const piece = readLog(this.#options.folder, this.#place, this.#memories[0])
    this.#piece = piece
    if (piece === null) return null
    this.#records = sinkRecords(this.#options.decoder, piece)
    const isSame = piece.segment === this.#place.segment && piece.offset === this.#place.offset
    if (!isSame) this.#place = { segment: piece.segment, offset: piece.offset, done: 0 }
    return piece
  }

  /** The next of the piece, and up to where it was looked at. */
  #cut(): { readonly records: readonly SinkRecord[]; readonly end: number } {
    const { test, batch } = this.#options
    const records: SinkRecord[] = []
    let bytes = 0
    let end = this.#place.done
    for (; end < this.#records.length && records.length < batch; end++) {
      const record = this.#records[end]!
      if (test !== null && !test(record.record)) continue
      bytes += record.length
      if (bytes > requestBytesMax && records.length > 0) break
      records.push(record)
    }
    return { records, end }
  }
}
