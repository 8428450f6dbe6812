import type { RowDataPacket } from 'mysql2/promise'
import type { MergeRule, Row } from '@budao/model'
import { rightVersion, type RightVersion, type SiteRow } from '../../merge/right-version.ts'
import type { VerifiedDifference } from '../../verify.ts'
import { parsedVersion, Statements } from './apply-facts.ts'
import { rowHash } from './apply-state.ts'
import { orNewVersion, versionRow, writeRows } from './apply-writes.ts'
import { readRows, same, type VerifiedSite } from './mariadb-verify.ts'

/** A row that differs, with what is to come of it. */
export interface DecidedRow {
  readonly difference: VerifiedDifference
  /** As it was looked at, by site. */
  readonly found: Readonly<Record<string, SiteRow>>
  /** Null: a person has to say. */
  readonly right: RightVersion | null
}

/** What a row that differs is to be by the rule of its table. */
export async function decideRow(
  one: VerifiedSite,
  other: VerifiedSite,
  { table, key, rows }: VerifiedDifference,
  rule: MergeRule,
): Promise<DecidedRow> {
  const [mine, theirs] = await Promise.all([readSiteRow(one, key, ''), readSiteRow(other, key, '')])
  // What has changed since it was compared is left for the next comparison.
  const isSame = same(mine.row, rows[one.site]!) && same(theirs.row, rows[other.site]!)
  const right = isSame ? rightOf(key, mine, theirs, rule, one.hasVersions && other.hasVersions) : null
  return {
    difference: { table, key, rows, ...(right !== null && { right: right.row }) },
    found: { [one.site]: mine, [other.site]: theirs },
    right,
  }
}

/** Without versions of both nothing says which write is later: the row of the site that owns it stands, or a person has to say. */
function rightOf(
  key: string,
  mine: SiteRow,
  theirs: SiteRow,
  rule: MergeRule,
  areKnown: boolean,
): RightVersion | null {
  if (areKnown) return rightVersion(key, mine, theirs, rule)
  if (rule.name !== 'owner') return null
  const owner = rule.ownerOf(key, mine.row ?? theirs.row)
  const right = [mine, theirs].find(({ site }) => site === owner)
  return right === undefined ? null : { row: right.row, version: null }
}

/**
 * Makes one row what it is to be at both sites, in the replicator's own GTID domain, so that it does not travel. Says false, and
 * changes nothing, where one of them is no longer what was looked at, or a dead letter waits for it.
 */
export async function repairRow(
  one: VerifiedSite,
  other: VerifiedSite,
  { difference: { key }, found, right }: DecidedRow,
  rule: MergeRule,
): Promise<boolean> {
  if (right === null) return false
  const begun: VerifiedSite[] = []
  try {
    for (const each of [one, other]) {
      await each.connection.query('START TRANSACTION')
      begun.push(each)
      const now = await readSiteRow(each, key, ' FOR UPDATE')
      const then = found[each.site]!
      const isSame = same(now.row, then.row) && JSON.stringify(now.version) === JSON.stringify(then.version)
      if (!isSame || (await hasLetter(each, key))) return false
    }
    for (const each of [one, other]) await writeRight(each, key, found[each.site]!.row, right, rule)
    for (const each of begun.splice(0)) await each.connection.query('COMMIT')
    return true
  } finally {
    for (const each of begun) await each.connection.query('ROLLBACK')
  }
}

async function writeRight(
  { connection, shape }: VerifiedSite,
  key: string,
  found: Row | null,
  { row, version }: RightVersion,
  rule: MergeRule,
): Promise<void> {
  const table = { shape, rule }
  const known = {
    table,
    key,
    original: found,
    row,
    version,
    isChanged: true,
    hasNewVersion: version !== null,
  }
  const sql = new Statements()
  if (!same(found, row)) writeRows(sql, table, [known])
  if (version !== null)
    sql.add(`INSERT INTO budao_rows VALUES ?${orNewVersion}`, [[versionRow(known, Date.now())]])
  await sql.run(connection)
}

async function readSiteRow(site: VerifiedSite, key: string, behind: '' | ' FOR UPDATE'): Promise<SiteRow> {
  const row = (await readRows(site, [key], behind)).get(key) ?? null
  if (!site.hasVersions) return { site: site.site, row, version: null, isAltered: false }
  const [[kept]] = await site.connection.query<RowDataPacket[]>(
    `SELECT version, row_hash FROM budao_rows WHERE tbl = ? AND row_key = ?${behind}`,
    [site.shape.table, key],
  )
  if (kept === undefined) return { site: site.site, row, version: null, isAltered: false }
  return {
    ...{ site: site.site, row },
    version: parsedVersion(String(kept['version']), row),
    isAltered: String(kept['row_hash']) !== rowHash(row),
  }
}

async function hasLetter({ connection, shape, hasVersions }: VerifiedSite, key: string): Promise<boolean> {
  if (!hasVersions) return false
  const [[found]] = await connection.query<RowDataPacket[]>(
    "SELECT 1 AS waits FROM budao_dead_letters WHERE tbl = ? AND row_key = ? AND reason <> 'undone' LIMIT 1",
    [shape.table, key],
  )
  return found !== undefined
}
