import { join } from 'node:path'
import type { ParsedLine } from '../record/parsed-line.ts'
import { BlockIndex } from './block-index.ts'
import { BlockSketch } from './block-sketch.ts'
import type { LogOrigin } from '../record/log-origin.ts'
import { LogDecoder } from './log-decoder.ts'
import { indexName } from './log-search.ts'
import { type Appended, SegmentLog, type SegmentLogOptions } from './segment-log.ts'
import { readLog } from './segment-reader.ts'

/** Where records are kept, and how long. */
export interface LogStoreOptions extends SegmentLogOptions {
  /** Whether they can be searched; without it they only wait for sinks. Default true. */
  readonly indexed?: boolean
  /** Older segments go, in milliseconds. */
  readonly ageMax: number
  /** Of all segments together. */
  readonly bytesMax: number
}

/** Bytes of a block. Smaller ones are ruled out more often, larger ones cost less room for their maps: 16 KiB each. */
const blockBytes = 262_144
const blocksUncommittedMax = 16

/** Records appended, indexed and forgotten. Blocking, for a thread of its own. */
export class LogStore {
  readonly log: SegmentLog
  /** Bytes of segments that went before every sink had them. */
  droppedBytes = 0
  readonly #index: BlockIndex | null
  readonly #sketch = new BlockSketch()
  readonly #options: LogStoreOptions
  /** Where the block begins that is gathered now. */
  #segment = 0
  #offset = 0
  #end = 0
  #uncommitted = 0

  /** Opens it, cuts off what a crash tore, and indexes what is not yet. */
  static open(options: LogStoreOptions): LogStore {
    const log = SegmentLog.open(options)
    const index =
      options.indexed === false ? null : BlockIndex.open(join(options.folder, indexName), options.warn)
    const store = new LogStore(log, index, options)
    store.#catchUp()
    return store
  }

  private constructor(log: SegmentLog, index: BlockIndex | null, options: LogStoreOptions) {
    this.log = log
    this.#index = index
    this.#options = options
  }

  /** Appends all of it or nothing; throws when the disk does not take it, and the same may be tried again. */
  append(lines: readonly ParsedLine[], positions: Readonly<Record<string, unknown>>): void {
    let text = ''
    const sources = new Set<number>()
    for (let index = 0; index < lines.length; index++) {
      const line = lines[index]!
      text += `${JSON.stringify(line)}\n`
      if (line.src !== this.#lastSource) sources.add((this.#lastSource = line.src))
    }
    if (lines.length > 0) sources.add(this.#lastSource)
    const { segment, offset, bytes } = this.log.append(text, lines.length, positions, sources)
    const end = this.log.segments.at(-1)!.bytes
    this.#gather({ segment, offset, bytes, end }, lines, (number) => this.log.origin(number))
  }
  #lastSource = 0

  /** Whether one segment more would be within `bytesMax`. */
  get hasRoom(): boolean {
    return this.log.bytes < this.#options.bytesMax
  }

  /**
   * Once a second or so: makes what was indexed visible, has what was appended on the disk, and lets old segments go: those
   * before `taken` when they are too old or too many, later ones only where `drop` says so.
   */
  tend(taken: number, drop: boolean): void {
    this.#commit()
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
    if (removed > 0) this.#trimIndex()
  }

  close(): void {
    this.#commit()
    this.log.close()
    this.#index?.close()
  }

  #gather(
    { segment, offset, bytes, end }: Appended & { readonly end: number },
    lines: readonly ParsedLine[],
    origin: (source: number) => LogOrigin,
  ): void {
    if (this.#index === null) return
    if (segment !== this.#segment) this.#seal()
    if (this.#sketch.lines === 0) {
      this.#segment = segment
      this.#offset = offset
    }
    this.#sketch.add(bytes, lines, origin)
    this.#end = end
    if (end - this.#offset >= blockBytes) this.#seal()
  }

  #seal(): void {
    if (this.#sketch.lines === 0) return
    this.#index!.add(this.#segment, this.#offset, this.#end - this.#offset, this.#sketch)
    this.#sketch.clear()
    if (++this.#uncommitted >= blocksUncommittedMax) this.#commit()
  }

  #commit(): void {
    this.#index?.commit()
    this.#uncommitted = 0
  }

  #trimIndex(): void {
    const last = this.log.segments.at(-1)
    const first = this.log.segments[0]?.number ?? 0
    this.#index?.keep(first, { segment: last?.number ?? 0, offset: last?.bytes ?? 0 })
  }

  #catchUp(): void {
    if (this.#index === null) return
    this.#trimIndex()
    // Of earlier segments: their numbers stand for other sources than those of the last.
    const decoder = new LogDecoder(this.#options.folder)
    let place = this.#index.end
    for (;;) {
      const piece = readLog(this.#options.folder, place)
      if (piece === null) break
      const { segment, next } = piece
      const lines = decoder.lines(piece.bytes)
      this.#gather({ ...piece, end: next.offset }, lines, (source) => decoder.origin(segment, source))
      place = next
    }
    this.#commit()
  }
}
