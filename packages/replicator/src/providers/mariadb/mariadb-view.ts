import type { Connection, RowDataPacket } from 'mysql2/promise'
import { type Hlc, hlcZero, type LogPosition } from '@budao/model'
import type { RowVersion } from '../../merge/row-version.ts'
import type { RowPlace } from '../../site-database.ts'
import type {
  KeptLetter,
  KeptRow,
  SeenId,
  SnapshotChunk,
  SnapshotFacts,
  SnapshotPart,
  SnapshotView,
} from '../../snapshot/snapshot.ts'
import { changesOfKeyMax } from './binlog-transaction.ts'
import { isKeyOf, rowHash } from './apply-state.ts'
import { quoted } from './mariadb-connection.ts'
import { keyCondition, keyValues, rangeOf } from './key-conditions.ts'
import { keyOf, selectList, type TableShape, toRow } from './table-shape.ts'

/** What a view has to know of its site. */
export interface MariadbViewOptions {
  readonly connection: Connection
  readonly site: string
  readonly shapes: ReadonlyMap<string, TableShape>
  /**
   * binlog: writes of this site left no version, so one is made up that knows everything up to the snapshot's place in the binlog.
   * outbox: what is stored is what there is.
   */
  readonly capture: 'binlog' | 'outbox'
  /** The last stamp that the binlog's source had given when the view was opened. */
  readonly hlc: Hlc
}

const rowsMin = 16
const rowsMax = 2000

/** A MariaDB of one moment, that of a place in its binlog. */
export class MariadbView implements SnapshotView {
  readonly #options: MariadbViewOptions
  readonly facts: SnapshotFacts
  /** Highest `seq` of this site's own changes that are in. */
  readonly #seq: number
  #rows = 200

  private constructor(options: MariadbViewOptions, facts: SnapshotFacts, seq: number) {
    this.#options = options
    this.facts = facts
    this.#seq = seq
  }

  /** Takes the connection, and closes it. */
  static async open(options: MariadbViewOptions): Promise<MariadbView> {
    const { connection, shapes, hlc } = options
    await connection.query(`SET SESSION tx_isolation = 'REPEATABLE-READ'`)
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
    const seq = await binlogSeq(connection)
    const [watermarks] = await connection.query<RowDataPacket[]>(
      'SELECT origin, part, log_id, next FROM budao_watermarks',
    )
    const [epochs] = await connection.query<RowDataPacket[]>(
      `SELECT origin, epoch FROM budao_epochs WHERE origin <> '' AND origin NOT LIKE ' %'`,
    )
    const facts: SnapshotFacts = {
      watermarks: watermarks.map(({ origin, part, log_id: logId, next }) => ({
        origin: String(origin),
        position: {
          logId: String(logId),
          partition: Number(part),
          offset: Number(next),
        } satisfies LogPosition,
      })),
      epochs: epochs.map(({ origin, epoch }) => ({ origin: String(origin), epoch: Number(epoch) })),
      hlc,
      rows: await aboutRows(connection, [...shapes.keys()]),
    }
    return new MariadbView(options, facts, (seq + 1) * changesOfKeyMax - 1)
  }

  async read(part: SnapshotPart, after: string | null, bytesMax: number): Promise<SnapshotChunk> {
    switch (part.kind) {
      case 'rows':
        return this.#readRows(this.#shape(part.table), after, bytesMax)
      case 'tombstones':
        return this.#tombstones(part.table, after, bytesMax)
      case 'seen': {
        const [origin, id] = after === null ? ['', ''] : (JSON.parse(after) as [string, string])
        const sql =
          'SELECT origin, id, at FROM budao_seen WHERE origin > ? OR (origin = ? AND id > ?) ORDER BY origin, id'
        const { found, isLast } = await this.#some(sql, [origin, origin, id], bytesMax)
        const seen = found.map((each): SeenId => ({
          origin: String(each['origin']),
          id: String(each['id']),
          at: Number(each['at']),
        }))
        return { seen, next: isLast ? null : JSON.stringify([seen.at(-1)!.origin, seen.at(-1)!.id]) }
      }
      case 'letters': {
        const sql = `SELECT id, origin, tx_id AS txId, tbl AS \`table\`, row_key AS \`key\`, at, reason, detail, attempts, event
          FROM budao_dead_letters WHERE id > ? ORDER BY id`
        const { found, isLast } = await this.#some(sql, [Number(after ?? 0)], bytesMax)
        const letters = found.map((each) => ({ ...(each as unknown as KeptLetter), id: Number(each['id']) }))
        return { letters, next: isLast ? null : String(letters.at(-1)!.id) }
      }
    }
  }

  /** These rows, each with its version. */
  async rowsOf(places: readonly RowPlace[]): Promise<KeptRow[]> {
    const byTable = new Map<string, string[]>()
    for (const { table, key } of places) {
      const shape = this.#options.shapes.get(table)
      if (shape === undefined || !isKeyOf(shape, key)) continue
      byTable.set(table, [...(byTable.get(table) ?? []), key])
    }
    const found = new Map<string, KeptRow>()
    for (const [table, keys] of byTable) {
      const shape = this.#shape(table)
      const { sql, values } = keyCondition(shape, keys)
      const [rows] = await this.#options.connection.query<RowDataPacket[]>(
        `SELECT ${selectList(shape)} FROM ${quoted(table)} WHERE ${sql}`,
        values,
      )
      const byKey = new Map(rows.map((each) => toRow(shape, each)).map((row) => [keyOf(shape, row), row]))
      for (const kept of await this.#kept(
        shape,
        keys.map((key) => [key, byKey.get(key) ?? null]),
      ))
        found.set(`${table}\0${kept.key}`, kept)
    }
    return places.flatMap(({ table, key }) => found.get(`${table}\0${key}`) ?? [])
  }

  async close(): Promise<void> {
    this.#options.connection.destroy()
  }

  async #readRows(shape: TableShape, after: string | null, bytesMax: number): Promise<SnapshotChunk> {
    // The columns themselves: by its name alone what is selected under it would be meant.
    const names = shape.keys.map(({ name }) => `${quoted(shape.table)}.${quoted(name)}`).join(', ')
    const range = rangeOf(shape, after === null ? null : keyValues(shape.keys, after), null)
    const { found, isLast } = await this.#some(
      `SELECT ${selectList(shape)} FROM ${quoted(shape.table)} WHERE ${range.sql} ORDER BY ${names}`,
      range.values,
      bytesMax,
    )
    const rows = await this.#kept(
      shape,
      found.map((each) => toRow(shape, each)).map((row) => [keyOf(shape, row), row]),
    )
    return { rows, next: isLast ? null : rows.at(-1)!.key }
  }

  async #tombstones(table: string, after: string | null, bytesMax: number): Promise<SnapshotChunk> {
    const { found, isLast } = await this.#some(
      'SELECT row_key, version FROM budao_rows WHERE tbl = ? AND deleted_at IS NOT NULL AND (? IS NULL OR row_key > ?) ORDER BY row_key',
      [table, after, after],
      bytesMax,
    )
    const keys = found.map((each) => String(each['row_key']))
    // A row that this site wrote again stands, and has come with the rows.
    const rows = (await this.rowsOf(keys.map((key) => ({ table, key })))).filter(({ row }) => row === null)
    return { rows, next: isLast ? null : keys.at(-1)! }
  }

  async #kept(
    shape: TableShape,
    rows: readonly (readonly [key: string, row: KeptRow['row']])[],
  ): Promise<KeptRow[]> {
    if (rows.length === 0) return []
    const { connection, capture, site, hlc } = this.#options
    const { table } = shape
    const [found] = await connection.query<RowDataPacket[]>(
      'SELECT row_key, version, row_hash FROM budao_rows WHERE tbl = ? AND row_key IN (?)',
      [table, rows.map(([key]) => key)],
    )
    const versions = new Map(found.map((each) => [String(each['row_key']), each]))
    return rows.map(([key, row]) => {
      const stored = versions.get(key)
      const version = stored === undefined ? null : (JSON.parse(String(stored['version'])) as RowVersion)
      if (capture === 'outbox' || (row === null && version === null)) return { table, key, row, version }
      const seen = { ...version?.seen, [site]: this.#seq }
      // The one that was applied last, or what this site has written since.
      if (version !== null && stored!['row_hash'] === rowHash(row))
        return { table, key, row, version: { ...version, seen } }
      // A source that has not read a transaction since it was opened has given no stamp yet.
      const known = version?.stamp.hlc ?? hlcZero
      const stamp = { hlc: hlc > known ? hlc : known, origin: site }
      return { table, key, row, version: { kind: 'register', seen, stamp, row: null } }
    })
  }

  /** Rows of about `bytesMax`: how many that are is learnt from those before. */
  async #some(
    sql: string,
    values: readonly unknown[],
    bytesMax: number,
  ): Promise<{ readonly found: RowDataPacket[]; readonly isLast: boolean }> {
    const limit = this.#rows
    const [found] = await this.#options.connection.query<RowDataPacket[]>(`${sql} LIMIT ?`, [
      ...values,
      limit,
    ])
    let bytes = 0
    for (const row of found) for (const value of Object.values(row)) bytes += sizeOf(value)
    if (bytes > bytesMax) this.#rows = Math.max(rowsMin, Math.floor(limit / 2))
    else if (found.length === limit && bytes < bytesMax / 2) this.#rows = Math.min(rowsMax, limit * 2)
    return { found, isLast: found.length < limit }
  }

  #shape(table: string): TableShape {
    const shape = this.#options.shapes.get(table)
    if (shape === undefined) throw new Error(`table ${table}: expected one of replication.tables`)
    return shape
  }
}

/** The number of the last transaction of this server's own GTID domain that the open snapshot holds; 0: none. */
async function binlogSeq(connection: Connection): Promise<number> {
  const [status] = await connection.query<RowDataPacket[]>(`SHOW STATUS LIKE 'binlog_snapshot_%'`)
  const at = new Map(status.map((row) => [String(row['Variable_name']).toLowerCase(), String(row['Value'])]))
  const [[found]] = await connection.query<RowDataPacket[]>(
    'SELECT BINLOG_GTID_POS(?, ?) AS gtids, @@global.gtid_domain_id AS id',
    [at.get('binlog_snapshot_file'), Number(at.get('binlog_snapshot_position'))],
  )
  return seqIn(String(found!['gtids'] ?? ''), Number(found!['id']))
}

/** The number of the last transaction of a domain in a GTID position; 0: there is none. */
export function seqIn(gtids: string, domainId: number): number {
  for (const gtid of gtids.split(',')) {
    const [domain, , seq] = gtid.split('-')
    if (Number(domain) === domainId && seq !== undefined) return Number(seq)
  }
  return 0
}

async function aboutRows(connection: Connection, tables: readonly string[]): Promise<number> {
  if (tables.length === 0) return 0
  const [[found]] = await connection.query<RowDataPacket[]>(
    'SELECT SUM(TABLE_ROWS) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (?)',
    [tables],
  )
  return Number(found!['n'] ?? 0)
}

function sizeOf(value: unknown): number {
  return typeof value === 'string' || Buffer.isBuffer(value) ? value.length : 8
}
