import type { Connection, RowDataPacket } from 'mysql2/promise'
import { canonicalJson, type Json, type MergeRule, type Row } from '@budao/model'
import type { VerifiedDifference, VerifiedTable, VerifyProgress } from '../../verify.ts'
import { Statements } from './apply-facts.ts'
import { writeRows } from './apply-writes.ts'
import { quoted } from './mariadb-connection.ts'
import {
  type Column,
  keyCondition,
  keyOf,
  rangeOf,
  selectList,
  type TableShape,
  toRow,
} from './table-shape.ts'

/** One of the two databases. */
export interface VerifiedSite {
  readonly site: string
  readonly connection: Connection
  readonly shape: TableShape
}

/** How a table is compared. */
export interface VerifyOptions {
  readonly rule: MergeRule
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
  const { rule, chunkRows = 2000, settleMs = 5000, onProgress = () => {} } = options
  const { table } = one.shape
  const suspects = new Set<string>()
  let rows = 0
  let chunks = 0
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
    onProgress({ table, rows, suspects: suspects.size })
    if (upTo === null) break
    after = upTo
  }
  const { different, undecided } = await settled(one, other, [...suspects], settleMs)
  const decided: VerifiedDifference[] = []
  for (const [key, [a, b]] of different) {
    // The rule that decides between changes decides here: the row of the site that owns it stands.
    const owner = rule.name === 'owner' ? rule.ownerOf(key, a ?? b) : null
    const right = owner === one.site ? a : owner === other.site ? b : undefined
    decided.push({
      table,
      key,
      rows: { [one.site]: a, [other.site]: b },
      ...(right !== undefined && { right }),
    })
  }
  return { table, rows, chunks, different: decided, undecided }
}

/**
 * Makes one row what it is to be at both sites, in the replicator's own GTID domain, so that it does not travel. Says false, and
 * changes nothing, where one of them is no longer what was compared.
 */
export async function repairRow(
  one: VerifiedSite,
  other: VerifiedSite,
  { key, rows, right }: VerifiedDifference,
): Promise<boolean> {
  if (right === undefined) return false
  const begun: VerifiedSite[] = []
  try {
    for (const each of [one, other]) {
      await each.connection.query('START TRANSACTION')
      begun.push(each)
      const found = (await readRows(each, [key], ' FOR UPDATE')).get(key) ?? null
      if (!same(found, rows[each.site]!)) return false
    }
    for (const each of [one, other]) {
      const found = rows[each.site]!
      if (same(found, right)) continue
      const sql = new Statements()
      const row = { key, original: found, row: right, version: null, isChanged: true, hasNewVersion: false }
      const table = { shape: each.shape, rule: { name: 'park' } } as const
      writeRows(sql, table, [{ ...row, table }])
      await sql.run(each.connection)
    }
    for (const each of begun.splice(0)) await each.connection.query('COMMIT')
    return true
  } finally {
    for (const each of begun) await each.connection.query('ROLLBACK')
  }
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
  return `COALESCE(HEX(${kind === 'bytes' ? value : `CONVERT(${value} USING utf8mb4)`}), '-')`
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

async function readRows(
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

function same(a: Row | null, b: Row | null): boolean {
  return canonicalJson(a as Json) === canonicalJson(b as Json)
}
