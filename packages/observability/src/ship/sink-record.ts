import type { LogRecord } from '@budao/model'
import type { LogOrigin } from '../record/log-origin.ts'
import { recordOf } from '../record/parsed-line.ts'
import { LineParts, timestampAt } from '../store/line-parts.ts'
import { recordPlaces } from '../store/line-places.ts'
import { type LogDecoder, parseLine } from '../store/log-decoder.ts'
import type { LogPiece } from '../store/segment-reader.ts'
import type { ByteText } from '../record/byte-text.ts'
import { addEcs, ecsJson } from './ecs-document.ts'

/** One for all: what is cut is put together anew before the next. */
const parts = new LineParts()

/** What records of one piece share. */
interface SinkPiece {
  readonly segment: number
  readonly bytes: Buffer
  readonly decoder: LogDecoder
}

/**
 * A record on its way to a sink: its line in the store, and what that becomes when a sink asks. Most sinks get bytes of the line itself, which is
 * read only where somebody looks inside.
 */
export class SinkRecord {
  readonly #piece: SinkPiece
  readonly #from: number
  readonly #to: number
  #record: LogRecord | undefined

  constructor(piece: SinkPiece, from: number, to: number) {
    this.#piece = piece
    this.#from = from
    this.#to = to
  }

  /** Of its line. */
  get length(): number {
    return this.#to - this.#from
  }

  /** Milliseconds since 1970. */
  get timestamp(): number {
    return timestampAt(this.#piece.bytes, this.#from)
  }

  /** Read when it is first asked for. */
  get record(): LogRecord {
    if (this.#record === undefined) {
      const line = parseLine(this.#piece.bytes.toString('utf8', this.#from, this.#to))!
      this.#record = recordOf(line, this.origin(line.src))
    }
    return this.#record
  }

  /** Its parts, until those of another are asked for; null where it has to be read. */
  parts(): LineParts | null {
    return parts.cut(this.#piece.bytes, this.#from, this.#to) ? parts : null
  }

  /** What all records of a source share. */
  origin(source: number): LogOrigin {
    const { decoder, segment } = this.#piece
    return decoder.origin(segment, source)
  }

  /** Adds it as the Elastic Common Schema has it, as JSON. */
  addEcs(to: ByteText): void {
    const cut = this.parts()
    if (cut === null || !addEcs(to, cut, this.origin(cut.src))) to.addText(ecsJson(this.record))
  }
}

/** Records of a piece, in their order; what the disk has damaged is left out. */
export function sinkRecords(
  decoder: LogDecoder,
  { segment, bytes }: Pick<LogPiece, 'segment' | 'bytes'>,
): SinkRecord[] {
  const piece = { segment, bytes, decoder }
  const places = recordPlaces(bytes)
  const records: SinkRecord[] = []
  for (let index = 0; index < places.length; index += 2)
    records.push(new SinkRecord(piece, places[index]!, places[index + 1]!))
  return records
}
