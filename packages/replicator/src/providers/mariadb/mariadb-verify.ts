import type { Connection, RowDataPacket } from 'mysql2/promise'
import { canonicalJson, type Json, type Row } from '@budao/model'
import type { VerifiedTable, VerifyProgress } from '../../verify.ts'
import { quoted } from './mariadb-connection.ts'
import { keyCondition, rangeOf } from './key-conditions.ts'
import { type Column, keyOf, selectList, type TableShape, toRow } from './table-shape.ts'

/** One of the two databases. */
export interface VerifiedSite {
  readonly site: string
  readonly connection: Connection
  readonly shape: TableShape
  /** What a row was merged from is kept there for every row that was written: applications write through the outbox. */
  readonly hasVersions: boolean
}

/** How a table is compared. */
export interface VerifyOptions {
  /** Rows of one checksum. Default 2000. */
  readonly chunkRows?: number
  /**
   * A row counts as different only when neither site has changed it for so long, milliseconds: more than changes take from
   * one site to the other. Default 5000.
   */
  readonly settleMs?: number
  readonly onProgress?: (progress: VerifyProgress) => void
}

const pollMs = 200
/** A row that goes on changing is looked at for so many times `settleMs`, then it is undecided. */
const patience = 4
const candidatesMax = 100_000

/**
 * Compares a table of two sites while both are written to. Chunks of the primary key are summed up in the databases; where the sums
 * differ the rows are read, and a row that differs counts once it has stood still at both sites for longer than changes are under
 * way. What goes on changing is undecided, never reported as different.
 */
export async function verifyTable(
  one: VerifiedSite,
  other: VerifiedSite,
  options: VerifyOptions,
): Promise<Omit<VerifiedTable, 'repaired'>> {
  const { chunkRows = 2000, settleMs = 5000, onProgress = () => {} } = options
  const { table } = one.shape
  const suspects = new Set<string>()
  let rows = 0
  let chunks = 0
  const rowsTotal = Math.max(await countRows(one), await countRows(other))
  // From the ends of both: rows that only the other site has are in a chunk as well.
  let after: readonly unknown[] | null = null
  for (;;) {
    const upTo = await chunkEnd(one, after, chunkRows)
    const [mine, theirs] = await Promise.all([sumOf(one, after, upTo), sumOf(other, after, upTo)])
    rows += Math.max(mine.rows, theirs.rows)
    chunks++
    if (mine.sum !== theirs.sum || mine.rows !== theirs.rows) {
      for (const key of await differing(one, other, after, upTo)) suspects.add(key)
      if (suspects.size > candidatesMax) {
        throw new Error(`table ${table}: more than ${candidatesMax} rows differ: resync it from a snapshot`)
      }
    }
    onProgress({ table, rows, rowsTotal: Math.max(rows, rowsTotal), suspects: suspects.size })
    if (upTo === null) break
    after = upTo
  }
  const { different, undecided } = await settled(one, other, [...suspects], settleMs)
  const found = [...different].map(([key, [a, b]]) => ({
    table,
    key,
    rows: { [one.site]: a, [other.site]: b },
  }))
  return { table, rows, chunks, different: found, differentCount: found.length, undecided }
}

/** About so many: the server's own estimate. */
async function countRows({ connection, shape }: VerifiedSite): Promise<number> {
  const [[found]] = await connection.query<RowDataPacket[]>(
    'SELECT TABLE_ROWS AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?',
    [shape.table],
  )
  return Number(found?.['n'] ?? 0)
}

/** The key at the end of the next chunk by this site's rows; null: it is the last one, open to the end. */
async function chunkEnd(
  { connection, shape }: VerifiedSite,
  after: readonly unknown[] | null,
  rows: number,
): Promise<readonly unknown[] | null> {
  const names = shape.keys.map(({ name }) => quoted(name))
  const range = rangeOf(shape, after, null)
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT ${names.join(', ')} FROM ${quoted(shape.table)} WHERE ${range.sql} ORDER BY ${names.join(', ')} LIMIT 1 OFFSET ?`,
    [...range.values, rows - 1],
  )
  return found[0] === undefined ? null : shape.keys.map(({ name }) => found[0]![name] as unknown)
}

async function sumOf(
  { connection, shape }: VerifiedSite,
  after: readonly unknown[] | null,
  upTo: readonly unknown[] | null,
): Promise<{ readonly rows: number; readonly sum: string }> {
  const range = rangeOf(shape, after, upTo)
  const row = `CONCAT_WS(',', ${shape.columns.map(comparable).join(', ')})`
  const [[found]] = await connection.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS n, BIT_XOR(CAST(CONV(LEFT(MD5(${row}), 16), 16, 10) AS UNSIGNED)) AS sum
     FROM ${quoted(shape.table)} WHERE ${range.sql}`,
    range.values,
  )
  return { rows: Number(found!['n']), sum: String(found!['sum']) }
}

/** Bytes that are the same where the values are, whatever the collation. */
function comparable({ name, kind }: Column): string {
  const value = kind === 'float' ? `CAST(${quoted(name)} AS DOUBLE)` : quoted(name)
  return `COALESCE(HEX(${kind === 'bytes' || kind === 'bit' ? value : `CONVERT(${value} USING utf8mb4)`}), '-')`
}

async function differing(
  one: VerifiedSite,
  other: VerifiedSite,
  after: readonly unknown[] | null,
  upTo: readonly unknown[] | null,
): Promise<string[]> {
  const read = async ({ connection, shape }: VerifiedSite): Promise<Map<string, Row>> => {
    const range = rangeOf(shape, after, upTo)
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT ${selectList(shape)} FROM ${quoted(shape.table)} WHERE ${range.sql}`,
      range.values,
    )
    return byKey(shape, rows)
  }
  const [mine, theirs] = await Promise.all([read(one), read(other)])
  const keys = new Set([...mine.keys(), ...theirs.keys()])
  return [...keys].filter((key) => !same(mine.get(key) ?? null, theirs.get(key) ?? null))
}

/** Looks at rows that differ until they are equal, or have stood still for long enough to be different. */
async function settled(
  one: VerifiedSite,
  other: VerifiedSite,
  keys: readonly string[],
  settleMs: number,
): Promise<{ readonly different: Map<string, [Row | null, Row | null]>; readonly undecided: string[] }> {
  const since = new Map<string, { readonly text: string; readonly at: number }>()
  const different = new Map<string, [Row | null, Row | null]>()
  const until = performance.now() + settleMs * patience
  let left = keys
  while (left.length > 0) {
    const at = performance.now()
    const [mine, theirs] = await Promise.all([readRows(one, left, ''), readRows(other, left, '')])
    left = left.filter((key) => {
      const pair: [Row | null, Row | null] = [mine.get(key) ?? null, theirs.get(key) ?? null]
      if (same(...pair)) return false
      const text = canonicalJson(pair as Json)
      const known = since.get(key)
      if (known?.text !== text) since.set(key, { text, at })
      else if (at - known.at >= settleMs) {
        different.set(key, pair)
        return false
      }
      return true
    })
    if (at > until) break
    if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(pollMs, settleMs)))
  }
  return { different, undecided: [...left] }
}

/** Rows by key. */
export async function readRows(
  { connection, shape }: VerifiedSite,
  keys: readonly string[],
  behind: '' | ' FOR UPDATE',
): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>()
  for (let from = 0; from < keys.length; from += 1000) {
    const condition = keyCondition(shape, keys.slice(from, from + 1000))
    const [found] = await connection.query<RowDataPacket[]>(
      `SELECT ${selectList(shape)} FROM ${quoted(shape.table)} WHERE ${condition.sql}${behind}`,
      condition.values,
    )
    for (const [key, row] of byKey(shape, found)) rows.set(key, row)
  }
  return rows
}

function byKey(shape: TableShape, rows: readonly RowDataPacket[]): Map<string, Row> {
  return new Map(rows.map((values) => toRow(shape, values)).map((row) => [keyOf(shape, row), row]))
}

/** Whether rows are equal. */
export function same(a: Row | null, b: Row | null): boolean {
  return canonicalJson(a as Json) === canonicalJson(b as Json)
}
