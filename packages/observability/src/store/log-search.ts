import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogRecord, LogsAnswer } from '@budao/model'
import { recordTest, type RecordTest } from '../record/filter-match.ts'
import type { LogFilter } from '@budao/model'
import { recordOf } from '../record/parsed-line.ts'
import { BlockReader } from './block-index.ts'
import { mayHold } from './block-plan.ts'
import { LogDecoder, parseLine } from './log-decoder.ts'
import { recordStart } from './segment-lines.ts'
import { segmentNumbers } from './segment-log.ts'
import { readBlock, readLog } from './segment-reader.ts'

/** The index beside the segments. */
export const indexName = 'index.db'

/** What is looked for. */
export interface LogQuery {
  readonly filter: LogFilter
  /** Of `timestamp`, in milliseconds since 1970, both included. */
  readonly from: number
  readonly to: number
  /** At most this many, the latest. */
  readonly limit: number
}

interface Block {
  readonly segment: number
  readonly offset: number
  readonly bytes: Buffer
}

/** So long a search keeps its thread to itself. */
const sliceMs = 20
/** More than a segment has bytes. */
const placesMax = 2 ** 26

const filterLine = Buffer.from(recordStart)
const lineEnd = 0x0a

/** Looks for records in the segments of a folder, in blocks that the index does not rule out. */
export class LogSearch {
  readonly #folder: string
  readonly #index: BlockReader
  readonly #decoder: LogDecoder
  #asked: Promise<unknown> = Promise.resolve()

  /** Throws where there is no index yet. */
  constructor(folder: string) {
    this.#folder = folder
    this.#decoder = new LogDecoder(folder)
    this.#index = new BlockReader(join(folder, indexName))
  }

  /**
   * Looks in slices, so that whoever shares the thread goes on meanwhile. An answer that is not complete after
   * `budgetMs` is given as it is. One at a time; later ones wait.
   */
  find(query: LogQuery, budgetMs: number): Promise<LogsAnswer> {
    const found = this.#asked.then(() => this.#find(query, performance.now() + budgetMs))
    this.#asked = found.catch(() => {})
    return found
  }

  async close(): Promise<void> {
    await this.#asked
    this.#index.close()
  }

  async #find(query: LogQuery, deadlineAt: number): Promise<LogsAnswer> {
    const { filter, from, to, limit } = query
    const test = recordTest(filter)
    const latest = new Latest(limit)
    const cost = { blocks: 0, skipped: 0, bytes: 0, lines: 0 }
    let sliceEnd = performance.now() + sliceMs
    const scan = (block: Block): void => {
      cost.blocks++
      cost.bytes += block.bytes.length
      cost.lines += this.#scan(block, query, test, latest)
      latest.trim()
    }
    this.#index.begin()
    try {
      for (const block of this.#unindexed()) scan(block)
      for (const row of this.#index.blocks(from, to)) {
        const now = performance.now()
        // Blocks come by their latest record: none that follows can hold a later one.
        if (row.tsMax < latest.oldest || now > deadlineAt)
          return { records: latest.records, complete: false, read: cost }
        if (now > sliceEnd) {
          await nextTurn()
          sliceEnd = performance.now() + sliceMs
        }
        if (!mayHold(filter, { levels: row.levels, maps: () => this.#index.maps(row) })) {
          cost.skipped++
          continue
        }
        const bytes = readBlock(this.#folder, row.segment, row.offset, row.length)
        if (bytes !== null) scan({ ...row, bytes })
      }
      const { records } = latest
      return { records, complete: !latest.overflowed, read: cost }
    } finally {
      this.#index.end()
    }
  }

  /** What was appended since the index was written: at most a block, unless a crash has just been recovered from. */
  *#unindexed(): Generator<Block> {
    const ends = this.#index.segmentEnds()
    const lastIndexed = Math.max(0, ...ends.keys())
    for (const segment of segmentNumbers(this.#folder)) {
      if (segment < lastIndexed) continue
      let place = { segment, offset: ends.get(segment) ?? 0 }
      for (;;) {
        const piece = readLog(this.#folder, place)
        if (piece === null || piece.segment !== segment) break
        yield piece
        place = piece.next
      }
    }
  }

  #scan({ segment, offset, bytes }: Block, { from, to }: LogQuery, test: RecordTest, latest: Latest): number {
    let lines = 0
    for (let at = 0; at < bytes.length;) {
      const found = bytes.indexOf(lineEnd, at)
      const end = found < 0 ? bytes.length : found
      if (bytes.compare(filterLine, 0, filterLine.length, at, at + filterLine.length) === 0) {
        lines++
        const line = parseLine(bytes.toString('utf8', at, end))
        if (line !== undefined && line.ts >= from && line.ts <= to && latest.wants(line.ts)) {
          const record = recordOf(line, this.#decoder.origin(segment, line.src))
          if (test(record)) latest.add(record, segment * placesMax + offset + at)
        }
      }
      at = end + 1
    }
    return lines
  }
}

interface Found {
  readonly record: LogRecord
  /** Of two with one time the one appended later counts as later. */
  readonly place: number
}

/** The latest records of those that come in any order. */
class Latest {
  readonly #limit: number
  #kept: Found[] = []
  /** Nothing that is not later is wanted; -Infinity until there are enough. */
  oldest = -Infinity
  overflowed = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get records(): readonly LogRecord[] {
    this.trim()
    return this.#kept.map(({ record }) => record)
  }

  wants(timestamp: number): boolean {
    if (timestamp >= this.oldest) return true
    this.overflowed = true
    return false
  }

  add(record: LogRecord, place: number): void {
    this.#kept.push({ record, place })
    // Sorted now and then, not kept sorted: most come in order already.
    if (this.#kept.length >= 2 * this.#limit + 100) this.trim()
  }

  trim(): void {
    this.#kept.sort((a, b) => b.record.timestamp - a.record.timestamp || b.place - a.place)
    if (this.#kept.length < this.#limit) return
    if (this.#kept.length > this.#limit) this.overflowed = true
    this.#kept.length = this.#limit
    this.oldest = this.#kept.at(-1)!.record.timestamp
  }
}
