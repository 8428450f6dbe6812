import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogsAnswer, LogsTally } from '@budao/model'
import { recordTest, type RecordTest } from '../record/filter-match.ts'
import type { LogFilter } from '@budao/model'
import { recordOf } from '../record/parsed-line.ts'
import { BlockReader } from './block-index.ts'
import { LatestRecords, type RecordCollector } from './latest-records.ts'
import { LevelTally } from './level-tally.ts'
import { mayHold } from './block-plan.ts'
import { LogDecoder, parseLine } from './log-decoder.ts'
import { recordStart } from './segment-lines.ts'
import { segmentNumbers } from './segment-log.ts'
import { readBlock, readLog } from './segment-reader.ts'

/** The index beside the segments. */
export const indexName = 'index.db'

/** Which records are meant. */
export interface LogRange {
  readonly filter: LogFilter
  /** Of `timestamp`, in milliseconds since 1970, both included. */
  readonly from: number
  readonly to: number
}

/** What is looked for. */
export interface LogQuery extends LogRange {
  /** At most this many, the latest. */
  readonly limit: number
}

/** What is counted. */
export interface LogTallyQuery extends LogRange {
  /** Into so many bars of time. */
  readonly bars: number
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

const everything: LogRange = { filter: { kind: 'all' }, from: -Infinity, to: Infinity }
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
    return this.#inTurn(async () => {
      const latest = new LatestRecords(query.limit)
      const { all, read } = await this.#walk(query, latest, performance.now() + budgetMs)
      return { records: latest.records, complete: all && !latest.overflowed, read }
    })
  }

  /** Counts what `find` would find without a limit, the latest first, in the same slices. */
  tally(query: LogTallyQuery, budgetMs: number): Promise<LogsTally> {
    return this.#inTurn(async () => {
      // From 1970 on bars would be years wide: they begin with the first record there is.
      const from = Math.max(query.from, this.#oldest())
      const tally = new LevelTally(from, Math.max(from, Math.min(query.to, Date.now())), query.bars)
      const { all, read } = await this.#walk(query, tally, performance.now() + budgetMs)
      return { ...tally.result(), complete: all, read }
    })
  }

  async close(): Promise<void> {
    await this.#asked
    this.#index.close()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#asked.then(work)
    this.#asked = done.catch(() => {})
    return done
  }

  /** `all`: nothing was left out that the collector could have wanted. */
  async #walk(
    query: LogRange,
    collector: RecordCollector,
    deadlineAt: number,
  ): Promise<{ all: boolean; read: LogsAnswer['read'] }> {
    const { filter, from, to } = query
    const test = recordTest(filter)
    const cost = { blocks: 0, skipped: 0, bytes: 0, lines: 0 }
    let sliceEnd = performance.now() + sliceMs
    const scan = (block: Block): void => {
      cost.blocks++
      cost.bytes += block.bytes.length
      cost.lines += this.#scan(block, query, test, collector)
      collector.trim()
    }
    this.#index.begin()
    try {
      for (const block of this.#unindexed()) scan(block)
      for (const row of this.#index.blocks(from, to)) {
        const now = performance.now()
        // Blocks come by their latest record: none that follows can hold a later one.
        if (row.tsMax < collector.oldest || now > deadlineAt) return { all: false, read: cost }
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
      return { all: true, read: cost }
    } finally {
      this.#index.end()
    }
  }

  /** The time of the oldest record; -Infinity where there is none. */
  #oldest(): number {
    let oldest = this.#index.oldest() ?? Infinity
    const wants = (timestamp: number): boolean => {
      oldest = Math.min(oldest, timestamp)
      return false
    }
    const looking = { oldest, wants, add: () => {}, trim: () => {} }
    for (const block of this.#unindexed()) this.#scan(block, everything, () => true, looking)
    return oldest === Infinity ? -Infinity : oldest
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

  #scan(
    { segment, offset, bytes }: Block,
    { from, to }: LogRange,
    test: RecordTest,
    collector: RecordCollector,
  ): number {
    let lines = 0
    for (let at = 0; at < bytes.length;) {
      const found = bytes.indexOf(lineEnd, at)
      const end = found < 0 ? bytes.length : found
      if (bytes.compare(filterLine, 0, filterLine.length, at, at + filterLine.length) === 0) {
        lines++
        const line = parseLine(bytes.toString('utf8', at, end))
        if (line !== undefined && line.ts >= from && line.ts <= to && collector.wants(line.ts)) {
          const record = recordOf(line, this.#decoder.origin(segment, line.src))
          if (test(record)) collector.add(record, segment * placesMax + offset + at)
        }
      }
      at = end + 1
    }
    return lines
  }
}
