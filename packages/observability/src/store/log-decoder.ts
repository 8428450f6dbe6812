import type { LogRecord } from '@budao/model'
import type { LogOrigin } from '../record/log-origin.ts'
import { type ParsedLine, recordOf } from '../record/parsed-line.ts'
import { recordStart, sourcesIn } from './segment-lines.ts'
import { type LogPiece, PieceMemory, readLog } from './segment-reader.ts'

const lineEnd = 0x0a
/** One text of a whole piece would be a large object: it is not gone before a full collection. */
const sliceBytes = 32_768

/** Makes records of pieces of a log. */
export class LogDecoder {
  readonly #folder: string
  readonly #origins = new OriginCache()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** In their order; what the disk has damaged is left out. */
  records({ segment, bytes }: Pick<LogPiece, 'segment' | 'bytes'>): LogRecord[] {
    return linesIn(bytes).map((line) => recordOf(line, this.origin(segment, line.src)))
  }

  origin(segment: number, source: number): LogOrigin {
    return this.#origins.get(this.#folder, segment, source)
  }
}

/** Records of a piece of a log without what their sources know; what the disk has damaged is left out. */
export function linesIn(bytes: Buffer): ParsedLine[] {
  const lines: ParsedLine[] = []
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(lineEnd, from + sliceBytes)
    const to = end < 0 ? bytes.length : end + 1
    for (const text of bytes.toString('utf8', from, to).split('\n')) {
      if (!text.startsWith(recordStart)) continue
      const line = parseLine(text)
      if (line !== undefined) lines.push(line)
    }
    from = to
  }
  return lines
}

/** A record’s line; undefined when the disk has damaged it. */
export function parseLine(text: string): ParsedLine | undefined {
  try {
    return JSON.parse(text) as ParsedLine
  } catch {
    return undefined
  }
}

const unknownOrigin: LogOrigin = { resource: {}, attributes: {} }

/** What sources are, segment by segment. */
class OriginCache {
  readonly #bySegment = new Map<number, { readonly sources: Map<number, LogOrigin>; read: number }>()
  readonly #memory = new PieceMemory()
  /** What was asked for last: lines of one source come in rows. */
  #segment = 0
  #source = 0
  #origin: LogOrigin = unknownOrigin

  get(folder: string, segment: number, source: number): LogOrigin {
    if (segment === this.#segment && source === this.#source) return this.#origin
    const origin = this.#find(folder, segment, source)
    if (origin === undefined) return unknownOrigin
    this.#segment = segment
    this.#source = source
    this.#origin = origin
    return origin
  }

  /** A source is declared before its first line: the segment is read from where that ended last, and only up to there. */
  #find(folder: string, segment: number, source: number): LogOrigin | undefined {
    let known = this.#bySegment.get(segment)
    if (known === undefined) {
      if (this.#bySegment.size >= segmentsMax) this.#bySegment.delete(this.#bySegment.keys().next().value!)
      known = { sources: new Map(), read: 0 }
      this.#bySegment.set(segment, known)
    }
    for (;;) {
      const origin = known.sources.get(source)
      if (origin !== undefined) return origin
      const piece = readLog(folder, { segment, offset: known.read }, this.#memory)
      if (piece === null || piece.segment !== segment) return undefined
      for (const [number, each] of sourcesIn(piece.bytes)) known.sources.set(number, each)
      known.read = piece.next.offset
    }
  }
}

const segmentsMax = 1_000
