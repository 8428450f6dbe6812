import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { type LogPosition, seenHlc } from '@budao/model'
import type { RowVersion } from '../../merge/row-version.ts'
import type { RowPlace } from '../../site-database.ts'
import { keptDigest } from '../../snapshot/key-ranges.ts'
import type {
  KeptLetter,
  KeptRow,
  LoadProgress,
  Repair,
  RowPage,
  SeenId,
  SnapshotChunk,
  SnapshotFacts,
  SnapshotPart,
  Snapshots,
  SnapshotView,
} from '../../snapshot/snapshot.ts'
import { SqliteRanges } from './sqlite-ranges.ts'
import { inTransaction } from './sqlite-schema.ts'
import type { SqliteSite } from './sqlite-site.ts'
import { quoted } from './sqlite-rows.ts'

/** Which database, and who wants to know. */
export interface SqliteSnapshotsOptions {
  readonly site: SqliteSite
  /** Opens a connection of its own, for a view. */
  readonly openSite: () => SqliteSite
  /** Letters and watermarks are others than they were. */
  readonly onFilled?: () => void
}

/** What a SQLite file hands out as a snapshot, and how it is filled from one. */
export class SqliteSnapshots implements Snapshots {
  readonly #site: SqliteSite
  readonly #openSite: () => SqliteSite
  readonly #onFilled: () => void
  readonly ranges: SqliteRanges
  readonly #state: (name: string) => string | null
  readonly #setState: (name: string, value: string | null) => void

  constructor({ site, openSite, onFilled = () => {} }: SqliteSnapshotsOptions) {
    this.#site = site
    this.#openSite = openSite
    this.#onFilled = onFilled
    this.ranges = new SqliteRanges(site)
    const { db } = site
    const state = db.prepare('SELECT value FROM budao_state WHERE name = ?')
    const set = db.prepare(
      'INSERT INTO budao_state VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    )
    const remove = db.prepare('DELETE FROM budao_state WHERE name = ?')
    this.#state = (name) => (state.get(name)?.['value'] as string | undefined) ?? null
    this.#setState = (name, value) => void (value === null ? remove.run(name) : set.run(name, value))
  }

  async open(): Promise<SnapshotView> {
    const site = this.#openSite()
    // What a reader of the WAL has begun to read stays as it is for it, whoever writes.
    site.db.exec('BEGIN')
    const facts = factsOf(site)
    return {
      facts,
      read: async (part, after, bytesMax) => readPart(site, part, after, bytesMax),
      close: async () => {
        if (site.db.isOpen) site.db.close()
      },
    }
  }

  async rowsOf(places: readonly RowPlace[]): Promise<KeptRow[]> {
    return inTransaction(this.#site.db, () =>
      places
        .filter(({ table }) => Object.hasOwn(this.#site.tables, table))
        .map(({ table, key }) => keptRow(this.#site, table, key)),
    )
  }

  async count(): Promise<number> {
    return countRows(this.#site)
  }

  async progress(): Promise<LoadProgress | null> {
    const text = this.#state('load')
    return text === null ? null : (JSON.parse(text) as LoadProgress)
  }

  async setProgress(progress: LoadProgress): Promise<void> {
    this.#setState('load', JSON.stringify(progress))
  }

  async clear(): Promise<boolean> {
    const { db, tables } = this.#site
    return inTransaction(db, () => {
      for (const table of [...Object.keys(tables), ...ownTables]) {
        // Tables without a rowid have none to limit by; theirs are small enough, or replication's own.
        const { changes } = hasRowid(db, table)
          ? db
              .prepare(
                `DELETE FROM ${quoted(table)} WHERE rowid IN (SELECT rowid FROM ${quoted(table)} LIMIT ?)`,
              )
              .run(clearRows)
          : db.prepare(`DELETE FROM ${quoted(table)}`).run()
        if (changes > 0) return true
      }
      return false
    })
  }

  async load(part: SnapshotPart, chunk: SnapshotChunk, progress: LoadProgress): Promise<void> {
    inTransaction(this.#site.db, () => {
      for (const row of chunk.rows ?? []) this.#put(row)
      this.#loadSeen(chunk.seen ?? [])
      this.#loadLetters(chunk.letters ?? [])
      this.#setState('load', JSON.stringify(progress))
    })
  }

  async finish(watermarks: SnapshotFacts['watermarks'], progress: LoadProgress): Promise<void> {
    const site = this.#site
    inTransaction(site.db, () => {
      for (const { origin, position } of watermarks) {
        if (origin !== site.site) this.#setWatermark(origin, position)
      }
      for (const { origin, epoch } of progress.facts.epochs) site.raiseEpoch(origin, epoch)
      site.hlc = seenHlc(site.hlc, progress.facts.hlc, site.now()) ?? site.hlc
      this.#setState('load', JSON.stringify(progress))
    })
    this.#onFilled()
  }

  async end(): Promise<void> {
    this.#setState('load', null)
    this.#onFilled()
  }

  async put(rows: readonly KeptRow[], forgetIds: readonly string[]): Promise<void> {
    const { db, site } = this.#site
    const forget = db.prepare('DELETE FROM budao_seen WHERE origin = ? AND id = ?')
    inTransaction(db, () => {
      for (const row of rows) this.#put(row)
      for (const id of forgetIds) forget.run(site, id)
    })
  }

  async repair(repairs: readonly Repair[]): Promise<RowPlace[]> {
    const letter = this.#site.db.prepare(
      "SELECT 1 FROM budao_dead_letters WHERE tbl = ? AND key = ? AND reason <> 'undone'",
    )
    return inTransaction(this.#site.db, () =>
      repairs.flatMap(({ found, right }) => {
        const { table, key } = right
        // What waits for a person, or was refused because its epoch had ended, is not let in by another door.
        if (!Object.hasOwn(this.#site.tables, table) || letter.get(table, key) !== undefined) return []
        if (keptDigest(keptRow(this.#site, table, key)) !== found) return []
        this.#put(right)
        return [{ table, key }]
      }),
    )
  }

  async setWatermark(origin: string, position: LogPosition): Promise<void> {
    this.#setWatermark(origin, position)
  }

  async *pages(table: string, after: string | null): AsyncIterable<RowPage> {
    let from = after
    do {
      const { rows, next } = this.#site.rows.page(table, from, pageBytes)
      yield { rows: rows.map(([key, row]) => ({ table, key, row, version: null })), next }
      from = next
      // Others want the thread as well.
      await new Promise((resolve) => setImmediate(resolve))
    } while (from !== null)
  }

  #put({ table, key, row, version }: KeptRow): void {
    const { rows, db } = this.#site
    if (row !== null) rows.addColumns(table, row)
    rows.put(table, key, row)
    if (version === null) {
      db.prepare('DELETE FROM budao_rows WHERE tbl = ? AND key = ?').run(table, key)
      return
    }
    this.#site.setVersion(table, key, version.kind === 'register' ? { ...version, row } : version)
  }

  #loadSeen(seen: readonly SeenId[]): void {
    const insert = this.#site.db.prepare('INSERT OR IGNORE INTO budao_seen VALUES (?, ?, ?)')
    for (const { origin, id, at } of seen) insert.run(origin, id, at)
  }

  #loadLetters(letters: readonly KeptLetter[]): void {
    const insert = this.#site.db.prepare(
      'INSERT OR IGNORE INTO budao_dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    for (const { id, origin, txId, table, key, at, reason, detail, attempts, event } of letters)
      insert.run(id, origin, txId, table, key, at, reason, detail, attempts, event)
  }

  #setWatermark(origin: string, { partition, logId, offset }: LogPosition): void {
    this.#site.db
      .prepare(
        `INSERT INTO budao_watermarks VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET log_id = excluded.log_id, next = excluded.next`,
      )
      .run(origin, partition, logId, offset)
  }
}

const pageBytes = 512 * 1024
const clearRows = 10_000
/** What goes when a database is filled anew. Conflicts stay: they are the record of what was decided. */
const ownTables = ['budao_rows', 'budao_seen', 'budao_watermarks', 'budao_dead_letters', 'budao_paused']

function factsOf(site: SqliteSite): SnapshotFacts {
  const { db } = site
  const watermarks = db.prepare('SELECT origin, part, log_id, next FROM budao_watermarks').all()
  // A claim of its own, of all or of a unit, is nobody else's.
  const epochs = db
    .prepare("SELECT origin, epoch FROM budao_epochs WHERE origin <> '' AND origin NOT LIKE ' %'")
    .all()
  return {
    watermarks: watermarks.map(({ origin, part, log_id: logId, next }) => ({
      origin: String(origin),
      position: { logId: String(logId), partition: Number(part), offset: Number(next) },
    })),
    epochs: epochs.map(({ origin, epoch }) => ({ origin: String(origin), epoch: Number(epoch) })),
    hlc: site.hlc,
    rows: countRows(site),
  }
}

function countRows({ db, tables }: SqliteSite): number {
  return Object.keys(tables).reduce(
    (sum, table) => sum + Number(db.prepare(`SELECT count(*) AS n FROM ${quoted(table)}`).get()!['n']),
    0,
  )
}

function hasRowid(db: DatabaseSync, table: string): boolean {
  const found = db.prepare('SELECT wr FROM pragma_table_list(?)').get(table)
  return Number(found?.['wr'] ?? 0) === 0
}

function keptRow(site: SqliteSite, table: string, key: string): KeptRow {
  const row = site.rows.get(table, key)
  const version = stored(site.version(table, key, null))
  // There although it is gone by its version, or the other way round: somebody wrote past the outbox.
  const isAltered = version !== null && site.isGone(table, key) !== (row === null)
  return { table, key, row, version, ...(isAltered && { isAltered }) }
}

function stored(version: RowVersion | null): RowVersion | null {
  return version?.kind === 'register' ? { ...version, row: null } : version
}

function readPart(
  site: SqliteSite,
  part: SnapshotPart,
  after: string | null,
  bytesMax: number,
): SnapshotChunk {
  switch (part.kind) {
    case 'rows': {
      const { table } = part
      const { rows, next } = site.rows.page(table, after, bytesMax)
      const kept = rows.map(([key, row]) => ({
        table,
        key,
        row,
        version: stored(site.version(table, key, null)),
      }))
      return { rows: kept, next }
    }
    case 'tombstones': {
      const { table } = part
      const { found, next } = some(
        site.db,
        'SELECT key, version FROM budao_rows WHERE tbl = ? AND deleted_at IS NOT NULL AND (? IS NULL OR key > ?) ORDER BY key',
        [table, after, after],
        bytesMax,
        (last) => String(last['key']),
      )
      const rows = found.map(({ key, version }) => ({
        table,
        key: String(key),
        row: null,
        version: stored(JSON.parse(String(version)) as RowVersion),
      }))
      return { rows, next }
    }
    case 'seen': {
      const [origin, id] = after === null ? ['', ''] : (JSON.parse(after) as [string, string])
      const { found, next } = some(
        site.db,
        'SELECT origin, id, at FROM budao_seen WHERE (origin, id) > (?, ?) ORDER BY origin, id',
        [origin, id],
        bytesMax,
        (last) => JSON.stringify([last['origin'], last['id']]),
      )
      return { seen: found as unknown as SeenId[], next }
    }
    case 'letters': {
      const { found, next } = some(
        site.db,
        `SELECT id, origin, tx_id AS txId, tbl AS "table", key, at, reason, detail, attempts, event
         FROM budao_dead_letters WHERE id > ? ORDER BY id`,
        [Number(after ?? 0)],
        bytesMax,
        (last) => String(last['id']),
      )
      return { letters: found as unknown as KeptLetter[], next }
    }
  }
}

type Found = Readonly<Record<string, unknown>>

function some(
  db: DatabaseSync,
  sql: string,
  values: readonly SQLInputValue[],
  bytesMax: number,
  cursor: (last: Found) => string,
): { readonly found: Found[]; readonly next: string | null } {
  const found: Found[] = []
  let bytes = 0
  for (const row of db.prepare(sql).iterate(...values)) {
    if (bytes >= bytesMax) return { found, next: cursor(found.at(-1)!) }
    bytes += Object.values(row).reduce<number>((sum, value) => sum + String(value).length, 0)
    found.push({ ...row })
  }
  return { found, next: null }
}
