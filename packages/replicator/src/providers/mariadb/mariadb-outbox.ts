import { randomUUID } from 'node:crypto'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import {
  type ChangeDraft,
  type ChangeEvent,
  defaultTable,
  hlcZero,
  type Json,
  nextHlc,
  type Row,
} from '@budao/model'
import { epochName } from '../../authority/epoch-name.ts'
import { sealed } from '../../event-hash.ts'
import { mergeEvent } from '../../merge/merge-event.ts'
import type { ReplicatedTables } from '../../replicated-table.ts'
import { parsedVersion, Statements } from './apply-facts.ts'
import type { AppliedTable } from './apply-state.ts'
import { orNewVersion, versionRow, writeRows } from './apply-writes.ts'
import { connect, type MariadbConnection, quoted } from './mariadb-connection.ts'
import { prepareMariadb } from './mariadb-schema.ts'
import { keyCondition } from './key-conditions.ts'
import { keyOf, readShape, selectList, toRow } from './table-shape.ts'

/** The application's side of replication. */
export interface MariadbOutboxOptions {
  readonly connection: MariadbConnection
  readonly site: string
  readonly tables: ReplicatedTables
  /** Wall-clock milliseconds. */
  readonly now?: () => number
}

/** A write that this site must not make. */
export class MariadbWriteRefused extends Error {
  readonly code: 'fenced' | 'loading' | 'not-owner' | 'unknown-table'

  constructor(code: MariadbWriteRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** One transaction of the application. */
export interface MariadbOutboxTransaction {
  /** For statements of the application's own: they are committed with the events, or not at all. */
  readonly connection: Connection
  /**
   * Writes the row and its event. A draft whose id was written before changes nothing, and its event is not made again:
   * null. Throws `MariadbWriteRefused`, and what the database has against it.
   */
  write(draft: ChangeDraft): Promise<ChangeEvent | null>
}

/**
 * Writes changes and their events in one transaction of the application's database: both are there, or neither. The event
 * stands in the binlog only, where the replicator finds it in the order of commits.
 */
export class MariadbOutbox {
  readonly #options: MariadbOutboxOptions
  readonly #tables: ReadonlyMap<string, AppliedTable>
  /** Connections that nobody uses at the moment. */
  readonly #idle: Connection[]
  #closed = false

  private constructor(
    options: MariadbOutboxOptions,
    tables: ReadonlyMap<string, AppliedTable>,
    first: Connection,
  ) {
    this.#options = options
    this.#tables = tables
    this.#idle = [first]
  }

  /** Connects, and makes what replication keeps in the database. */
  static async open(options: MariadbOutboxOptions): Promise<MariadbOutbox> {
    const { connection, tables } = options
    const first = await connect(connection)
    try {
      await prepareMariadb(first)
      const shaped = new Map<string, AppliedTable>()
      for (const [name, table] of Object.entries(tables)) {
        shaped.set(name, { ...table, shape: await readShape(first, connection.database, name) })
      }
      return new MariadbOutbox(options, shaped, first)
    } catch (error) {
      first.destroy()
      throw error
    }
  }

  /** All changes made in `work` are one transaction here, and are applied as one elsewhere. Rolled back when it throws. */
  async transaction<T>(work: (tx: MariadbOutboxTransaction) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('the outbox is closed')
    const connection = this.#idle.pop() ?? (await connect(this.#options.connection))
    const txId = randomUUID()
    try {
      await connection.query('START TRANSACTION')
      const result = await work({ connection, write: (draft) => this.#write(connection, draft, txId) })
      await connection.query('COMMIT')
      if (this.#closed) connection.destroy()
      else this.#idle.push(connection)
      return result
    } catch (error) {
      // Ending the connection rolls back, in whatever state it is.
      connection.destroy()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  async #write(connection: Connection, draft: ChangeDraft, txId: string): Promise<ChangeEvent | null> {
    const { site, now = Date.now } = this.#options
    const name = draft.table ?? defaultTable
    const table = this.#tables.get(name)
    if (table === undefined) {
      const known = [...this.#tables.keys()].join(', ')
      throw new MariadbWriteRefused(
        'unknown-table',
        `table ${name}: expected one of replication.tables: ${known}`,
      )
    }
    const { shape, rule, schemaVersion = 1 } = table
    const key = draft.payload === null ? (draft.key ?? draft.id) : keyOf(shape, draft.payload)
    const condition = keyCondition(shape, [key])
    const sql = new Statements()
    sql.add('SELECT 1 FROM budao_seen WHERE origin = ? AND id = ?', [site, draft.id])
    sql.add('SELECT version FROM budao_rows WHERE tbl = ? AND row_key = ? FOR UPDATE', [name, key])
    sql.add(
      `SELECT ${selectList(shape)} FROM ${quoted(name)} WHERE ${condition.sql} FOR UPDATE`,
      condition.values,
    )
    const names = [epochName('', draft.unit), epochName(site, draft.unit)]
    sql.add('SELECT origin, epoch FROM budao_epochs WHERE origin IN (?) LOCK IN SHARE MODE', [names])
    sql.add("SELECT 1 FROM budao_state WHERE name = 'load'")
    const [seen, versions, rows, found, loading] = (await sql.run(connection)) as [
      RowDataPacket[],
      RowDataPacket[],
      RowDataPacket[],
      RowDataPacket[],
      RowDataPacket[],
    ]
    if (loading.length > 0) {
      throw new MariadbWriteRefused(
        'loading',
        `site ${site} is being filled from another: expected the write there`,
      )
    }
    if (seen.length > 0) return null
    const epochs = new Map(found.map(({ origin, epoch }) => [String(origin), Number(epoch)]))
    const epoch = draft.epoch ?? Math.max(1, epochs.get(names[0]!) ?? 0)
    const lowest = epochs.get(names[1]!) ?? 0
    if (epoch < lowest) {
      const message = `epoch ${epoch} of ${draft.unit ?? site} has ended, expected at least ${lowest}`
      throw new MariadbWriteRefused('fenced', message)
    }
    const before: Row | null = rows[0] === undefined ? null : toRow(shape, rows[0])
    const stored: unknown = versions[0]?.['version']
    const version = typeof stored === 'string' ? parsedVersion(stored, before) : null
    const payload: Row | null = draft.payload === null ? null : { ...before, ...draft.payload }
    const event = sealed({
      ...(draft as unknown as Record<string, Json>),
      id: draft.id,
      op: draft.op,
      payload,
      v: 1,
      origin: site,
      epoch,
      // A clock of the row's own: later than what it was, without a clock that all writers would have to wait for.
      hlc: nextHlc(version?.stamp.hlc ?? hlcZero, now()),
      seq: (version?.seen[site] ?? 0) + 1,
      key,
      table: name,
      schemaVersion: draft.schemaVersion ?? schemaVersion,
      txId: draft.txId ?? txId,
      before,
      ...(version === null ? {} : { knew: version.seen }),
    })
    const merge = mergeEvent(version, before, event, rule)
    if (merge.verdict !== 'merged') {
      throw new Error(
        merge.verdict === 'park' ? merge.detail : `table ${name}, key ${key}: expected a new change`,
      )
    }
    // Where a lease says who writes, the row belongs to whoever holds it.
    if (rule.name === 'owner' && draft.unit === undefined && rule.ownerOf(key, payload ?? before) !== site) {
      throw new MariadbWriteRefused(
        'not-owner',
        `table ${name}, key ${key}: expected the write at ${rule.ownerOf(key, payload ?? before)}, which owns it`,
      )
    }
    const row = { table, key, original: before, row: merge.row, version: merge.version }
    const known = { ...row, isChanged: true, hasNewVersion: true }
    const writes = new Statements()
    writeRows(writes, table, [known])
    writes.add(`INSERT INTO budao_rows VALUES ?${orNewVersion}`, [[versionRow(known, now())]])
    writes.add('INSERT INTO budao_seen VALUES (?, ?, ?)', [site, event.id, now()])
    writes.add('INSERT INTO budao_outbox (event) VALUES (?)', [JSON.stringify(event)])
    writes.add('DELETE FROM budao_outbox WHERE pos = LAST_INSERT_ID()')
    await writes.run(connection)
    return event
  }
}
