import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { LogPosition } from '@budao/model'
import { rowOf } from '../../merge/row-version.ts'
import type { ReplicatedTables } from '../../replicated-table.ts'
import type { RowPlace } from '../../site-database.ts'
import type {
  KeptRow,
  LoadProgress,
  RowPage,
  SnapshotChunk,
  SnapshotFacts,
  SnapshotPart,
  Snapshots,
  SnapshotView,
} from '../../snapshot/snapshot.ts'
import { Statements } from './apply-facts.ts'
import { rowHash } from './apply-state.ts'
import { orNewVersion } from './apply-writes.ts'
import { changesOfKeyMax } from './binlog-transaction.ts'
import type { BinlogSource } from './binlog-source.ts'
import { connect, type MariadbConnection, quoted } from './mariadb-connection.ts'
import { MariadbView, seqIn } from './mariadb-view.ts'
import { keyCondition } from './key-conditions.ts'
import { readShape, type TableShape, toSql } from './table-shape.ts'

/** Which database, and what of it is handed out or filled. */
export interface MariadbSnapshotsOptions {
  readonly connection: MariadbConnection
  readonly site: string
  readonly tables: ReplicatedTables
  readonly capture: 'binlog' | 'outbox'
  /** GTID domain of what is written here for others: it does not travel. */
  readonly domainId: number
  readonly source: Pick<BinlogSource, 'hlc'>
  readonly now: () => number
}

const clearRows = 5000
/** What goes when a database is filled anew. Conflicts stay: they are the record of what was decided. */
const ownTables = ['budao_rows', 'budao_seen', 'budao_watermarks', 'budao_dead_letters', 'budao_paused']

/** What a MariaDB hands out as a snapshot, and how it is filled from one. */
export class MariadbSnapshots implements Snapshots {
  readonly #options: MariadbSnapshotsOptions
  #writer: Promise<Connection> | null = null

  constructor(options: MariadbSnapshotsOptions) {
    this.#options = options
  }

  async open(): Promise<SnapshotView> {
    return this.#view()
  }

  async rowsOf(places: readonly RowPlace[]): Promise<KeptRow[]> {
    const view = await this.#view()
    try {
      return await view.rowsOf(places)
    } finally {
      await view.close()
    }
  }

  async count(): Promise<number> {
    return this.#write(async (connection) => {
      let rows = 0
      for (const table of Object.keys(this.#options.tables)) {
        const [[found]] = await connection.query<RowDataPacket[]>(
          `SELECT COUNT(*) AS n FROM ${quoted(table)}`,
        )
        rows += Number(found!['n'])
      }
      return rows
    })
  }

  async progress(): Promise<LoadProgress | null> {
    const text = await this.#state('load')
    return text === null ? null : (JSON.parse(text) as LoadProgress)
  }

  async setProgress(progress: LoadProgress): Promise<void> {
    await this.#write((connection) => connection.query(...stateOf('load', JSON.stringify(progress))))
  }

  async clear(): Promise<boolean> {
    return this.#write(async (connection) => {
      for (const table of [...Object.keys(this.#options.tables), ...ownTables]) {
        const [done] = await connection.query<ResultSetHeader>(`DELETE FROM ${quoted(table)} LIMIT ?`, [
          clearRows,
        ])
        if (done.affectedRows > 0) return true
      }
      return false
    })
  }

  async load(_part: SnapshotPart, chunk: SnapshotChunk, progress: LoadProgress): Promise<void> {
    const { seen = [], letters = [], rows = [] } = chunk
    await this.#transaction(async (sql) => {
      await this.#put(sql, rows)
      if (seen.length > 0)
        sql.add('INSERT IGNORE INTO budao_seen VALUES ?', [
          seen.map(({ origin, id, at }) => [origin, id, at]),
        ])
      if (letters.length > 0) {
        sql.add(
          'INSERT IGNORE INTO budao_dead_letters (id, origin, tx_id, tbl, row_key, at, reason, detail, attempts, event) VALUES ?',
          [
            letters.map(({ id, origin, txId, table, key, at, reason, detail, attempts, event }) => [
              ...[id, origin, txId, table, key, at, reason, detail, attempts, event],
            ]),
          ],
        )
      }
      sql.add(...stateOf('load', JSON.stringify(progress)))
    })
  }

  async finish(watermarks: SnapshotFacts['watermarks'], progress: LoadProgress): Promise<void> {
    await this.#goOnBehind(progress.ownSeq)
    await this.#transaction(async (sql) => {
      for (const { origin, position } of watermarks)
        if (origin !== this.#options.site) sql.add(...watermarkOf(origin, position))
      for (const { origin, epoch } of progress.facts.epochs) {
        sql.add(
          'INSERT INTO budao_epochs VALUES (?, ?) ON DUPLICATE KEY UPDATE epoch = GREATEST(epoch, VALUES(epoch))',
          [origin, epoch],
        )
      }
      sql.add(...stateOf('load', JSON.stringify(progress)))
    })
  }

  async end(): Promise<void> {
    await this.#write((connection) => connection.query(`DELETE FROM budao_state WHERE name = 'load'`))
  }

  async put(rows: readonly KeptRow[], forgetIds: readonly string[]): Promise<void> {
    await this.#transaction(async (sql) => {
      await this.#put(sql, rows)
      if (forgetIds.length > 0)
        sql.add('DELETE FROM budao_seen WHERE origin = ? AND id IN (?)', [this.#options.site, forgetIds])
    })
  }

  async setWatermark(origin: string, position: LogPosition): Promise<void> {
    await this.#write((connection) => connection.query(...watermarkOf(origin, position)))
  }

  async *pages(table: string, after: string | null): AsyncIterable<RowPage> {
    const view = await this.#view()
    try {
      let from = after
      do {
        const { rows = [], next } = await view.read({ kind: 'rows', table }, from, pageBytes)
        yield { rows, next }
        from = next
      } while (from !== null)
    } finally {
      await view.close()
    }
  }

  async close(): Promise<void> {
    const writer = this.#writer
    this.#writer = null
    await writer?.then(
      (connection) => connection.destroy(),
      () => {},
    )
  }

  async #view(): Promise<MariadbView> {
    const { connection: at, site, capture, source } = this.#options
    const { hlc } = source
    const connection = await connect(at, null)
    try {
      return await MariadbView.open({
        connection,
        site,
        capture,
        hlc,
        shapes: await this.#shapes(connection),
      })
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  /** As they are now: columns may have been added. */
  async #shapes(connection: Connection): Promise<ReadonlyMap<string, TableShape>> {
    const shapes = new Map<string, TableShape>()
    for (const table of Object.keys(this.#options.tables))
      shapes.set(table, await readShape(connection, this.#options.connection.database, table))
    return shapes
  }

  async #put(sql: Statements, rows: readonly KeptRow[]): Promise<void> {
    const { tables, now, connection } = this.#options
    const byTable = new Map<string, KeptRow[]>()
    for (const row of rows) {
      const own = byTable.get(row.table)
      if (own === undefined) byTable.set(row.table, [row])
      else own.push(row)
    }
    for (const [table, all] of byTable) {
      const shape = await this.#write((c) => readShape(c, connection.database, table))
      for (const { key, row } of all) {
        const { sql: condition, values } = keyCondition(shape, [key])
        if (row === null) sql.add(`DELETE FROM ${quoted(table)} WHERE ${condition}`, values)
      }
      for (const [names, group] of byColumns(all)) {
        const unknown = names.find((name) => !shape.byName.has(name))
        if (unknown !== undefined)
          throw new Error(
            `table ${table} has no column ${unknown} here: add it (ALTER TABLE … ADD COLUMN), and go on`,
          )
        // A unique value may have moved to another row since that one was read: the log puts it right.
        sql.add(`REPLACE INTO ${quoted(table)} (${names.map(quoted).join(', ')}) VALUES ?`, [
          group.map(({ row }) => names.map((name) => toSql(row![name]!))),
        ])
      }
      const versions = all.filter(({ version }) => version !== null)
      const without = all.filter(({ version }) => version === null)
      if (versions.length > 0) {
        const { rule } = tables[table]!
        sql.add(`INSERT INTO budao_rows VALUES ?${orNewVersion}`, [
          versions.map(({ key, row, version }) => {
            const whole = version!.kind === 'register' ? { ...version!, row } : version
            return [
              table,
              key,
              JSON.stringify(version),
              rowHash(row),
              rowOf(whole, rule) === null ? now() : null,
            ]
          }),
        ])
      }
      if (without.length > 0)
        sql.add('DELETE FROM budao_rows WHERE tbl = ? AND row_key IN (?)', [
          table,
          without.map(({ key }) => key),
        ])
    }
  }

  /**
   * A server that is new numbers its transactions from 1, and the others have seen these numbers: its next transaction comes behind
   * all of which the snapshot knew.
   */
  async #goOnBehind(ownSeq: number): Promise<void> {
    const needed = Math.floor(ownSeq / changesOfKeyMax)
    const own = await connect(this.#options.connection)
    try {
      const [[found]] = await own.query<RowDataPacket[]>(
        'SELECT @@global.gtid_current_pos AS current, @@global.gtid_binlog_pos AS written, @@global.gtid_domain_id AS id',
      )
      const domain = Number(found!['id'])
      const last = Math.max(
        seqIn(String(found!['current']), domain),
        seqIn(String(found!['written']), domain),
      )
      if (last >= needed) return
      await own.query('SET SESSION gtid_seq_no = ?', [needed + 1])
      await own.query('REPLACE INTO budao_heartbeat (one, n, at) VALUES (1, 0, 0)')
    } finally {
      own.destroy()
    }
  }

  async #state(name: string): Promise<string | null> {
    return this.#write(async (connection) => {
      const [[row]] = await connection.query<RowDataPacket[]>(
        'SELECT value FROM budao_state WHERE name = ?',
        [name],
      )
      return row === undefined ? null : String(row['value'])
    })
  }

  async #transaction(work: (sql: Statements) => Promise<void>): Promise<void> {
    const sql = new Statements()
    sql.add('START TRANSACTION')
    await work(sql)
    sql.add('COMMIT')
    await this.#write((connection) => sql.run(connection))
  }

  /** In the applier's domain: in the binlog for replicas of this server, and not for other sites. */
  async #write<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    // Whoever asks while it is being made waits for the same one.
    const writing = (this.#writer ??= this.#connect())
    let writer: Connection | null = null
    try {
      writer = await writing
      return await work(writer)
    } catch (error) {
      if (this.#writer === writing) this.#writer = null
      // Rolls back what was begun.
      writer?.destroy()
      throw error
    }
  }

  async #connect(): Promise<Connection> {
    const { connection: at, domainId } = this.#options
    const writer = await connect(at, domainId)
    // Rows come table by table.
    await writer.query('SET SESSION foreign_key_checks = 0')
    return writer
  }
}

const pageBytes = 512 * 1024

function byColumns(rows: readonly KeptRow[]): [names: string[], rows: KeptRow[]][] {
  const groups = new Map<string, [string[], KeptRow[]]>()
  for (const each of rows) {
    if (each.row === null) continue
    const names = Object.keys(each.row)
    const group = groups.get(names.join('\0'))
    if (group === undefined) groups.set(names.join('\0'), [names, [each]])
    else group[1].push(each)
  }
  return [...groups.values()]
}

function stateOf(name: string, value: string): [sql: string, values: string[]] {
  return [
    'INSERT INTO budao_state VALUES (?, ?) ON DUPLICATE KEY UPDATE value = VALUES(value)',
    [name, value],
  ]
}

function watermarkOf(
  origin: string,
  { partition, logId, offset }: LogPosition,
): [sql: string, values: unknown[]] {
  return [
    'INSERT INTO budao_watermarks VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE log_id = VALUES(log_id), next = VALUES(next)',
    [origin, partition, logId, offset],
  ]
}
