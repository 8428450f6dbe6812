import { join } from 'node:path'
import type { LogOrigin } from '../record/log-origin.ts'
import { BlockIndex } from './block-index.ts'
import { BlockSketch } from './block-sketch.ts'
import { LogDecoder } from './log-decoder.ts'
import { indexName } from './log-search.ts'
import { RecordFacts } from './record-facts.ts'
import type { SegmentLog } from './segment-log.ts'
import { type LogPlace, readLog } from './segment-reader.ts'

/** What an indexer is made of. */
export interface LogIndexerOptions {
  readonly folder: string
  readonly log: SegmentLog
  warn(message: string): void
}

/** Records as they stand in the log. */
export interface IndexedRecords {
  readonly bytes: Buffer
  readonly facts: RecordFacts
}

type OriginOf = (source: number) => LogOrigin

/** Bytes of a block. Smaller ones are ruled out more often, larger ones cost less room for their maps: 16 KiB each. */
const blockBytes = 262_144
const blocksUncommittedMax = 16
/** So long at a time what is behind is caught up with: files are read beside it. */
const catchUpMs = 200

/**
 * Gathers what is appended into blocks of the index. The index says nothing that the segments do not, so what its disk refuses
 * is no failure of an append: it is behind then, and reads the segments again when there is room.
 */
export class LogIndexer {
  readonly #options: LogIndexerOptions
  readonly #sketch = new BlockSketch()
  #index: BlockIndex | null = null
  #isBehind = true
  #told = false
  /** Where the block begins that is gathered now. */
  #segment = 0
  #offset = 0
  #end = 0
  #uncommitted = 0

  constructor(options: LogIndexerOptions) {
    this.#options = options
  }

  /** Records that were appended just now, where that was, and where the log ends with them. */
  gather(place: LogPlace, end: number, records: IndexedRecords, origin: OriginOf): void {
    if (this.#isBehind) return
    this.#try(() => this.#add(place, end, records, origin))
  }

  /** Makes what was gathered visible; catches up for a while where the disk had refused it. */
  tend(): void {
    if (this.#isBehind) this.catchUp(performance.now() + catchUpMs)
    else this.#try(() => this.#commit())
  }

  /** Indexes what is not yet, until a moment of `performance.now`. */
  catchUp(until: number): void {
    this.#try(() => {
      const { folder, log, warn } = this.#options
      this.#index ??= BlockIndex.open(join(folder, indexName), warn)
      this.#trim()
      // Of earlier segments: their numbers stand for other sources than those of the last.
      const decoder = new LogDecoder(folder)
      let place = this.#index.end
      for (let piece = readLog(folder, place); piece !== null; piece = readLog(folder, place)) {
        const { segment, next } = piece
        this.#add(piece, next.offset, { bytes: piece.bytes, facts: RecordFacts.of(piece.bytes) }, (source) =>
          decoder.origin(segment, source),
        )
        place = next
        if (performance.now() > until) return this.#commit()
      }
      this.#commit()
      this.#isBehind = false
      if (this.#told) warn(`${join(folder, indexName)} has everything again (${log.bytes} bytes of segments)`)
      this.#told = false
    })
  }

  /** Segments have gone. */
  trim(): void {
    if (!this.#isBehind) this.#try(() => this.#trim())
  }

  close(): void {
    if (!this.#isBehind) this.#try(() => this.#commit())
    this.#index?.close()
    this.#index = null
  }

  #add({ segment, offset }: LogPlace, end: number, { bytes, facts }: IndexedRecords, origin: OriginOf): void {
    if (segment !== this.#segment) this.#seal()
    if (this.#sketch.lines === 0) {
      this.#segment = segment
      this.#offset = offset
    }
    this.#sketch.add(bytes, facts, origin)
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
    this.#index!.commit()
    this.#uncommitted = 0
  }

  #trim(): void {
    const { segments } = this.#options.log
    const last = segments.at(-1)
    const first = segments[0]?.number ?? 0
    this.#index!.keep(first, { segment: last?.number ?? 0, offset: last?.bytes ?? 0 })
  }

  #try(work: () => void): void {
    try {
      work()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') throw error
      this.#index?.rollBack()
      this.#sketch.clear()
      this.#uncommitted = 0
      this.#isBehind = true
      const { folder, warn } = this.#options
      if (!this.#told) warn(`${join(folder, indexName)} is behind: ${(error as Error).message}`)
      this.#told = true
    }
  }
}
