import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { ApplyBatch, ChangeEvent, LogPosition } from '@budao/model'
import { epochName } from '../../authority/epoch-name.ts'
import type { RowVersion } from '../../merge/row-version.ts'
import { type AppliedTable, type ApplyFacts, isKeyOf, type KnownRow, placeOf } from './apply-state.ts'
import { quoted } from './mariadb-connection.ts'
import { keyCondition } from './key-conditions.ts'
import { keyOf, selectList, toRow } from './table-shape.ts'

/** Facts of a batch, and the offset below which it was applied before. */
export interface LoadedFacts {
  readonly facts: ApplyFacts
  readonly appliedBelow: number
}

/** Begins a transaction, and reads and locks in it all that a batch is about, in one round trip. */
export async function loadFacts(
  connection: Connection,
  { origin, entries, next }: Pick<ApplyBatch, 'origin' | 'entries'> & { readonly next: LogPosition | null },
  known: Pick<ApplyFacts, 'site' | 'capture' | 'now' | 'tables'>,
): Promise<LoadedFacts> {
  const events = entries.flatMap((entry) => entry.events)
  const keys = keysByTable(events, known.tables)
  const sql = new Statements()
  sql.add('START TRANSACTION')
  const watermark = sql.add(
    'SELECT log_id, next FROM budao_watermarks WHERE origin = ? AND part = ? FOR UPDATE',
    [origin, next?.partition ?? 0],
  )
  const names = new Set([origin, ...events.map(({ unit }) => epochName(origin, unit))])
  const epochs = sql.add('SELECT origin, epoch FROM budao_epochs WHERE origin IN (?) LOCK IN SHARE MODE', [
    [...names],
  ])
  const txIds = [...new Set(events.map(({ txId }) => txId)), '']
  const parked = sql.add(
    `SELECT DISTINCT tbl, row_key, reason IN ('old-epoch', 'undone') AS ended,
       IF(origin = ? AND tx_id IN (?), JSON_VALUE(event, '$.id'), NULL) AS id FROM budao_dead_letters`,
    [origin, txIds],
  )
  const paused = sql.add('SELECT tbl, detail FROM budao_paused')
  const ids = events.map(({ id }) => id)
  const seen =
    ids.length === 0 ? -1 : sql.add('SELECT id FROM budao_seen WHERE origin = ? AND id IN (?)', [origin, ids])
  const parts: { readonly table: AppliedTable; readonly rows: number; readonly versions: number }[] = []
  for (const [table, wanted] of keys) {
    const list = [...wanted]
    const condition = keyCondition(table.shape, list)
    const name = table.shape.table
    parts.push({
      table,
      versions: sql.add(
        'SELECT row_key, version, row_hash FROM budao_rows WHERE tbl = ? AND row_key IN (?) FOR UPDATE',
        [name, list],
      ),
      rows: sql.add(
        `SELECT ${selectList(table.shape)} FROM ${quoted(name)} WHERE ${condition.sql} FOR UPDATE`,
        condition.values,
      ),
    })
  }
  const results = await sql.run(connection)

  const rows = new Map<string, KnownRow>()
  const hashes = new Map<string, string>()
  for (const { table, rows: rowsAt, versions: versionsAt } of parts) {
    const found = new Map(
      results[rowsAt]!.map((values) => {
        const row = toRow(table.shape, values)
        return [keyOf(table.shape, row), row]
      }),
    )
    const versions = new Map(results[versionsAt]!.map((row) => [String(row['row_key']), row]))
    for (const key of keys.get(table)!) {
      const row = found.get(key) ?? null
      const version = versions.get(key)
      if (version !== undefined) hashes.set(placeOf(table.shape.table, key), String(version['row_hash']))
      rows.set(placeOf(table.shape.table, key), {
        table,
        key,
        original: row,
        row,
        version: version === undefined ? null : parsedVersion(String(version['version']), row),
        isChanged: false,
        hasNewVersion: false,
      })
    }
  }
  const mark = results[watermark]![0]
  return {
    appliedBelow:
      next !== null && mark !== undefined && mark['log_id'] === next.logId ? Number(mark['next']) : 0,
    facts: {
      ...known,
      origin,
      epochs: new Map(results[epochs]!.map(({ origin: name, epoch }) => [String(name), Number(epoch)])),
      seen: new Set(seen === -1 ? [] : results[seen]!.map(({ id }) => String(id))),
      parkedKeys: new Set(
        results[parked]!.filter(({ ended }) => Number(ended) === 0).map(({ tbl, row_key: key }) =>
          placeOf(String(tbl), String(key)),
        ),
      ),
      lettered: new Set(results[parked]!.flatMap(({ id }) => (id === null ? [] : [String(id)]))),
      paused: new Map(results[paused]!.map(({ tbl, detail }) => [String(tbl), String(detail)])),
      rows,
      hashes,
    },
  }
}

/** Several statements in one round trip. */
export class Statements {
  readonly #sql: string[] = []
  readonly #values: unknown[] = []

  /** The number of its result. */
  add(sql: string, values: readonly unknown[] = []): number {
    this.#values.push(...values)
    return this.#sql.push(sql) - 1
  }

  async run(connection: Connection): Promise<RowDataPacket[][]> {
    if (this.#sql.length === 0) return []
    const [results] = await connection.query<RowDataPacket[][]>(this.#sql.join(';\n'), this.#values)
    return this.#sql.length === 1 ? [results as unknown as RowDataPacket[]] : results
  }
}

function keysByTable(
  events: readonly ChangeEvent[],
  tables: ReadonlyMap<string, AppliedTable>,
): Map<AppliedTable, Set<string>> {
  const keys = new Map<AppliedTable, Set<string>>()
  for (const { table: name, key } of events) {
    const table = tables.get(name)
    if (table === undefined || !isKeyOf(table.shape, key)) continue
    const own = keys.get(table)
    if (own === undefined) keys.set(table, new Set([key]))
    else own.add(key)
  }
  return keys
}

/** The row of a register is the one in the table, so it is stored once. */
export function parsedVersion(text: string, row: KnownRow['row']): RowVersion {
  const version = JSON.parse(text) as RowVersion
  return version.kind === 'register' ? { ...version, row } : version
}
