import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { ChangeEvent, Conflict, DeadLetter, DeadLetterReason, Transaction } from '@budao/model'
import type { LettersOfSite } from '../../site-database.ts'
import type { Statements } from './apply-facts.ts'

/** Letters of one transaction: they are applied together or not at all. */
export interface LetterGroup {
  readonly origin: string
  readonly ids: readonly number[]
  readonly events: Transaction
}

/** How many events wait. */
export async function countLetters(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM budao_dead_letters')
  return Number(row!['n'])
}

/** How many wait of each site. */
export async function countLettersBySite(connection: Connection): Promise<LettersOfSite[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT origin, SUM(reason <> 'undone') AS n, SUM(reason = 'old-epoch') AS old FROM budao_dead_letters GROUP BY origin",
  )
  return rows.map(({ origin, n, old }) => ({
    origin: String(origin),
    count: Number(n),
    oldEpoch: Number(old),
  }))
}

/** Ids of a site’s writes that came after their epoch had ended, the oldest first. */
export async function listEnded(connection: Connection, limit: number, origin: string): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT JSON_VALUE(event, '$.id') AS event_id FROM budao_dead_letters
     WHERE reason = 'old-epoch' AND origin = ? ORDER BY id LIMIT ?`,
    [origin, limit],
  )
  return rows.map(({ event_id: id }) => String(id))
}

/** Events that wait for a person, behind `after`, the oldest first. */
export async function listLetters(
  connection: Connection,
  after: number,
  limit: number,
): Promise<DeadLetter[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT * FROM budao_dead_letters WHERE id > ? ORDER BY id LIMIT ?',
    [after, limit],
  )
  return rows.map((row) => ({
    id: Number(row['id']),
    origin: String(row['origin']),
    table: String(row['tbl']),
    key: String(row['row_key']),
    at: String(row['at']),
    reason: row['reason'] as DeadLetterReason,
    detail: String(row['detail']),
    attempts: Number(row['attempts']),
    event: String(row['event']),
  }))
}

/** Gives a letter up: the row here stands. Its event counts as seen, should it come again. False: there is no such letter. */
export async function dropLetter(connection: Connection, id: number, now: number): Promise<boolean> {
  const [letter] = await listLetters(connection, id - 1, 1)
  if (letter?.id !== id) return false
  if (letter.key !== '') {
    const event = JSON.parse(letter.event) as ChangeEvent
    await connection.query('INSERT IGNORE INTO budao_seen VALUES (?, ?, ?)', [letter.origin, event.id, now])
  }
  const [done] = await connection.query<ResultSetHeader>('DELETE FROM budao_dead_letters WHERE id = ?', [id])
  return done.affectedRows === 1
}

/** Letters in their order, those of one transaction together; what is no event is left out. */
export async function lettersToRetry(
  connection: Connection,
  only?: { readonly table: string; readonly key: string },
): Promise<LetterGroup[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT id, origin, tx_id, event FROM budao_dead_letters WHERE row_key <> '' AND reason <> 'undone'
       ${only === undefined ? '' : 'AND (origin, tx_id) IN (SELECT origin, tx_id FROM budao_dead_letters WHERE tbl = ? AND row_key = ?)'}
     ORDER BY id`,
    only === undefined ? [] : [only.table, only.key],
  )
  const groups: { origin: string; txId: string; ids: number[]; events: ChangeEvent[] }[] = []
  for (const { id, origin, tx_id: txId, event } of rows) {
    const last = groups.at(-1)
    const isSame = last !== undefined && last.origin === origin && last.txId === txId
    const group = isSame ? last : { origin: String(origin), txId: String(txId), ids: [], events: [] }
    if (!isSame) groups.push(group)
    group.ids.push(Number(id))
    group.events.push(JSON.parse(String(event)) as ChangeEvent)
  }
  return groups
}

/** Their site has taken them back. */
export async function setUndone(
  connection: Connection,
  origin: string,
  ids: readonly number[],
): Promise<void> {
  if (ids.length === 0) return
  await connection.query(`UPDATE budao_dead_letters SET reason = 'undone' WHERE origin = ? AND id IN (?)`, [
    origin,
    ids,
  ])
}

/** They were applied. */
export function removeLetters(sql: Statements, ids: readonly number[]): void {
  sql.add('DELETE FROM budao_dead_letters WHERE id IN (?)', [ids])
}

/** They were tried again, in vain. */
export function keepLetters(
  sql: Statements,
  ids: readonly number[],
  reason: DeadLetterReason,
  detail: string,
): void {
  sql.add('UPDATE budao_dead_letters SET attempts = attempts + 1, reason = ?, detail = ? WHERE id IN (?)', [
    reason,
    detail,
    ids,
  ])
}

/** Conflicts behind `after`, the oldest first. */
export async function listConflicts(
  connection: Connection,
  after: number,
  limit: number,
): Promise<Conflict[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT * FROM budao_conflicts WHERE id > ? ORDER BY id LIMIT ?',
    [after, limit],
  )
  const json = (text: unknown): never => (typeof text === 'string' ? JSON.parse(text) : null) as never
  return rows.map((row) => ({
    id: Number(row['id']),
    table: String(row['tbl']),
    key: String(row['row_key']),
    at: String(row['at']),
    rule: row['rule'] as Conflict['rule'],
    winner: row['winner'] as Conflict['winner'],
    local: json(row['local']),
    remote: json(row['remote']),
    result: json(row['result']),
    undone: Number(row['undone']) === 1,
  }))
}
