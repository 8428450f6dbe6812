import type { LogRecord } from '@budao/model'
import type { RecordTest } from '../record/filter-match.ts'
import type { LogDecoder } from '../store/log-decoder.ts'
import { type LogPlace, readLog } from '../store/segment-reader.ts'

/** Records that one look may bring; the rest is counted and passed over, as nobody reads so fast. */
const recordsMax = 500
const piecesMax = 8

/** Looks at what comes behind a place. */
export class LogFollower {
  readonly #folder: string
  readonly #decoder: LogDecoder
  readonly #test: RecordTest
  #place: LogPlace

  constructor(folder: string, decoder: LogDecoder, test: RecordTest, from: LogPlace) {
    this.#folder = folder
    this.#decoder = decoder
    this.#test = test
    this.#place = from
  }

  /** What came since the last look. */
  take(): { readonly records: readonly LogRecord[]; readonly missed: number } {
    const records: LogRecord[] = []
    let missed = 0
    for (let pieces = 0; pieces < piecesMax; pieces++) {
      const piece = readLog(this.#folder, this.#place)
      if (piece === null) break
      this.#place = piece.next
      const found = this.#decoder.records(piece).filter(this.#test)
      const taken = found.slice(0, recordsMax - records.length)
      records.push(...taken)
      missed += found.length - taken.length
    }
    return { records, missed }
  }
}
