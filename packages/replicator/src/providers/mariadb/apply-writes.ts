import type { Connection } from 'mysql2/promise'
import type { LogPosition, Row } from '@budao/model'
import { rowOf } from '../../merge/row-version.ts'
import { Statements } from './apply-facts.ts'
import { type AppliedTable, type ApplyState, type KnownRow, rowHash } from './apply-state.ts'
import { quoted } from './mariadb-connection.ts'
import { keyCondition } from './key-conditions.ts'
import { toSql } from './table-shape.ts'

/** Behind the insert of a version: it takes the place of the one before. */
export const orNewVersion =
  ' ON DUPLICATE KEY UPDATE version = VALUES(version), row_hash = VALUES(row_hash), deleted_at = VALUES(deleted_at)'

/** Writes what a batch came to and commits it, in one round trip. `next`: the new watermark; null: it stays. `more` is done with it. */
export async function writeState(
  connection: Connection,
  state: ApplyState,
  next: LogPosition | null,
  more: (sql: Statements) => void = () => {},
): Promise<void> {
  const { facts, newlySeen, letters, newlyPaused, conflicts } = state
  const at = new Date(facts.now).toISOString()
  const sql = new Statements()
  const insert = (into: string, rows: readonly (readonly unknown[])[], behind = ''): void => {
    if (rows.length > 0) sql.add(`INSERT INTO ${into} VALUES ?${behind}`, [rows])
  }
  for (const [table, rows] of changedByTable(facts.rows.values())) writeRows(sql, table, rows)
  insert(
    'budao_seen',
    newlySeen.map((id) => [facts.origin, id, facts.now]),
  )
  insert(
    'budao_rows',
    [...facts.rows.values()]
      .filter(({ hasNewVersion }) => hasNewVersion)
      .map((each) => versionRow(each, facts.now)),
    orNewVersion,
  )
  insert(
    'budao_dead_letters (origin, tx_id, tbl, row_key, at, reason, detail, event)',
    letters.map(({ origin, txId, table, key, reason, detail, event }) => [
      ...[origin, txId, table, key, at, reason, detail, event],
    ]),
  )
  insert('budao_paused', [...newlyPaused], ' ON DUPLICATE KEY UPDATE detail = VALUES(detail)')
  insert(
    'budao_conflicts (tbl, row_key, at, rule, winner, local, remote, result)',
    conflicts.map(({ table, key, rule, winner, local, remote, result }) => [
      ...[table, key, at, rule, winner, jsonOf(local), JSON.stringify(remote), jsonOf(result)],
    ]),
  )
  if (next !== null) {
    insert(
      'budao_watermarks',
      [[facts.origin, next.partition, next.logId, next.offset]],
      ' ON DUPLICATE KEY UPDATE log_id = VALUES(log_id), next = VALUES(next)',
    )
  }
  more(sql)
  sql.add('COMMIT')
  await sql.run(connection)
}

/** Writes rows as they are to stand. Those that go make room for those that come: a unique value may move from one row to another. */
export function writeRows(sql: Statements, { shape }: AppliedTable, rows: readonly KnownRow[]): void {
  const table = quoted(shape.table)
  const gone = rows.filter(({ original, row }) => original !== null && row === null)
  if (gone.length > 0) {
    const condition = keyCondition(
      shape,
      gone.map(({ key }) => key),
    )
    sql.add(`DELETE FROM ${table} WHERE ${condition.sql}`, condition.values)
  }
  const isThere = ({ original }: KnownRow): boolean => original !== null
  const standing = rows.filter(({ row }) => row !== null)
  for (const [names, group] of byColumns(standing.filter(isThere))) {
    if (names.length < shape.columns.length) {
      for (const { key, row } of group) {
        const condition = keyCondition(shape, [key])
        const sets = names.map((name) => `${quoted(name)} = ?`).join(', ')
        const values = [...names.map((name) => toSql(row![name]!)), ...condition.values]
        sql.add(`UPDATE ${table} SET ${sets} WHERE ${condition.sql}`, values)
      }
      continue
    }
    const updates = names.map((name) => `${quoted(name)} = VALUES(${quoted(name)})`).join(', ')
    // The row is there and locked, so its primary key is what meets: never another row by a unique value.
    sql.add(
      `INSERT INTO ${table} (${names.map(quoted).join(', ')}) VALUES ? ON DUPLICATE KEY UPDATE ${updates}`,
      [valuesOf(names, group)],
    )
  }
  for (const [names, group] of byColumns(standing.filter((each) => !isThere(each)))) {
    sql.add(`INSERT INTO ${table} (${names.map(quoted).join(', ')}) VALUES ?`, [valuesOf(names, group)])
  }
}

function changedByTable(rows: Iterable<KnownRow>): Map<AppliedTable, KnownRow[]> {
  const changed = new Map<AppliedTable, KnownRow[]>()
  for (const each of rows) {
    if (!each.isChanged) continue
    const own = changed.get(each.table)
    if (own === undefined) changed.set(each.table, [each])
    else own.push(each)
  }
  return changed
}

/** Columns that the table has and the row has not stay as they are, so rows are grouped by what they have. */
function byColumns(rows: readonly KnownRow[]): [names: string[], group: KnownRow[]][] {
  const groups = new Map<string, [string[], KnownRow[]]>()
  for (const each of rows) {
    const names = Object.keys(each.row!)
    const id = names.join('\0')
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [names, [each]])
    else group[1].push(each)
  }
  return [...groups.values()]
}

function valuesOf(names: readonly string[], rows: readonly KnownRow[]): unknown[][] {
  return rows.map(({ row }) => names.map((name) => toSql(row![name]!)))
}

/** What is kept of a row's version. */
export function versionRow({ table, key, version, row }: KnownRow, now: number): unknown[] {
  const stored = version!.kind === 'register' ? { ...version, row: null } : version
  const isGone = rowOf(version, table.rule) === null
  return [table.shape.table, key, JSON.stringify(stored), rowHash(row), isGone ? now : null]
}

function jsonOf(row: Row | null): string | null {
  return row === null ? null : JSON.stringify(row)
}
