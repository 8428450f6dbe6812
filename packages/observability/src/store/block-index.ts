import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { BlockMaps, BlockSketch } from './block-sketch.ts'
import type { LogPlace } from './segment-reader.ts'

/** One block, without its maps. Times in milliseconds since 1970. */
export interface BlockRow {
  readonly segment: number
  readonly offset: number
  readonly length: number
  readonly lines: number
  readonly tsMin: number
  readonly tsMax: number
  readonly levels: number
}

const schema = `
  CREATE TABLE IF NOT EXISTS blocks (
    segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL, lines INTEGER NOT NULL,
    tsMin REAL NOT NULL, tsMax REAL NOT NULL, obsMin REAL NOT NULL, obsMax REAL NOT NULL, levels INTEGER NOT NULL,
    PRIMARY KEY (segment, offset)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS blocksByTime ON blocks (tsMax);
  CREATE TABLE IF NOT EXISTS maps (
    segment INTEGER NOT NULL, offset INTEGER NOT NULL, text BLOB NOT NULL, terms BLOB NOT NULL,
    PRIMARY KEY (segment, offset));
  PRAGMA user_version = 1`

/**
 * What is in which block, in SQLite. It says nothing that the segments do not: when it is damaged or gone it is made
 * again from them, so it is not synced.
 */
export class BlockIndex {
  readonly #database: DatabaseSync
  readonly #addBlock: StatementSync
  readonly #addMaps: StatementSync
  #open = false

  /** To write. A file that is damaged is begun anew; throws where the disk has no room for one. */
  static open(path: string, warn: (message: string) => void): BlockIndex {
    mkdirSync(dirname(path), { recursive: true })
    try {
      return new BlockIndex(path)
    } catch (error) {
      if (!isDamaged(error)) throw error
      warn(`${path} is made again from the segments: ${(error as Error).message}`)
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
      return new BlockIndex(path)
    }
  }

  private constructor(path: string) {
    this.#database = new DatabaseSync(path)
    try {
      // Pages are written behind the last one: 500 KiB of them are as fast as 2 MiB.
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -500')
      this.#database.exec(schema)
    } catch (error) {
      this.#database.close()
      throw error
    }
    this.#addBlock = this.#database.prepare(
      'INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#addMaps = this.#database.prepare('INSERT OR REPLACE INTO maps VALUES (?, ?, ?, ?)')
  }

  /** Behind the last block. */
  get end(): LogPlace {
    const row = this.#database
      .prepare(
        'SELECT segment, offset + length AS offset FROM blocks ORDER BY segment DESC, offset DESC LIMIT 1',
      )
      .get() as LogPlace | undefined
    return row === undefined ? { segment: 0, offset: 0 } : { segment: row.segment, offset: row.offset }
  }

  /** Not visible to readers before `commit`. */
  add(segment: number, offset: number, length: number, sketch: BlockSketch): void {
    if (!this.#open) this.#database.exec('BEGIN')
    this.#open = true
    const { lines, tsMin, tsMax, obsMin, obsMax, levels } = sketch
    const { text, terms } = sketch.maps()
    this.#addBlock.run(segment, offset, length, lines, tsMin, tsMax, obsMin, obsMax, levels)
    this.#addMaps.run(segment, offset, text, terms)
  }

  commit(): void {
    if (!this.#open) return
    this.#database.exec('COMMIT')
    this.#open = false
  }

  /** Forgets what was added and not committed, after a failure. */
  rollBack(): void {
    this.#open = false
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      // A disk that is full has ended the transaction already.
    }
  }

  /** Forgets segments that are gone, and what is behind a place that a crash shortened the log to. */
  keep(from: number, end: LogPlace): void {
    this.commit()
    for (const table of ['blocks', 'maps']) {
      this.#database
        .prepare(`DELETE FROM ${table} WHERE segment < ? OR segment > ? OR (segment = ? AND offset >= ?)`)
        .run(from, end.segment, end.segment, end.offset)
    }
  }

  /** What is not committed is lost. */
  close(): void {
    this.#database.close()
  }
}

const damaged: readonly unknown[] = [11 /* SQLITE_CORRUPT */, 26 /* SQLITE_NOTADB */]

function isDamaged(error: unknown): boolean {
  return damaged.includes((error as { readonly errcode?: number }).errcode)
}

/** The same to read, from any thread. One question at a time. */
export class BlockReader {
  readonly #database: DatabaseSync

  /** Throws where there is no index. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true })
  }

  /** Until `end` the index is seen as it is now. */
  begin(): void {
    this.#database.exec('BEGIN')
  }

  end(): void {
    this.#database.exec('COMMIT')
  }

  /** Behind the last block of each segment. */
  segmentEnds(): Map<number, number> {
    const rows = this.#database
      .prepare('SELECT segment, max(offset + length) AS end FROM blocks GROUP BY segment')
      .all() as { segment: number; end: number }[]
    return new Map(rows.map(({ segment, end }) => [segment, end]))
  }

  /** The time of the oldest record in any block; null: there is no block. */
  oldest(): number | null {
    return this.#database.prepare('SELECT min(tsMin) AS oldest FROM blocks').get()!['oldest'] as number | null
  }

  /** Blocks with a record between two times, those with the latest first. */
  *blocks(from: number, to: number): Generator<BlockRow> {
    const rows = this.#database
      .prepare(
        'SELECT segment, offset, length, lines, tsMin, tsMax, levels FROM blocks WHERE tsMax >= ? AND tsMin <= ? ORDER BY tsMax DESC',
      )
      .iterate(from, to)
    yield* rows as unknown as Iterable<BlockRow>
  }

  maps({ segment, offset }: BlockRow): BlockMaps | undefined {
    return this.#database
      .prepare('SELECT text, terms FROM maps WHERE segment = ? AND offset = ?')
      .get(segment, offset) as unknown as BlockMaps | undefined
  }

  close(): void {
    this.#database.close()
  }
}
