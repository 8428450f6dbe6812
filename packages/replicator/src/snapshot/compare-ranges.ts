import { type Comparison, settled } from './compare-sites.ts'
import { type KeyRange, placeDigest, type RangeSum } from './key-ranges.ts'
import type { PeerSite } from './peer-site.ts'
import { rangeKeysMax } from './range-routes.ts'

/** How one table of two sites is compared, range by range. */
export interface CompareRangesOptions {
  readonly table: string
  /** A row counts as different once neither site has changed it for so long, milliseconds. */
  readonly settleMs: number
  /** Tombstones with an earlier stamp do not count. */
  readonly since: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: {
    readonly rows: number
    readonly rowsTotal: number
    readonly suspects: number
  }) => void
}

/** About 20 ms of a site's thread. */
const chunkKeys = 2000

/**
 * Compares a table of two sites while both are written to, a range of keys at a time at both: what is on its way then is little, and is
 * looked at again until it is equal, or has stood still for `settleMs`. Rows that are gone are compared by their tombstones.
 */
export async function compareRanges(
  one: PeerSite,
  other: PeerSite,
  { table, settleMs, since, signal, onProgress }: CompareRangesOptions,
): Promise<Comparison & { readonly chunks: number }> {
  const suspects = new Set<string>()
  let [rows, rowsTotal, chunks] = [0, 0, 0]
  for (const kind of ['rows', 'tombstones'] as const) {
    for (let after: string | null = null; ;) {
      signal.throwIfAborted()
      const open: KeyRange = { kind, table, after, upTo: null, since }
      // The range ends where the first site has so many keys, and holds whatever the other has between.
      const mine = await one.sumRange(open, chunkKeys)
      const range = { ...open, upTo: mine.end }
      const theirs = await wholeSum(other, range)
      chunks++
      if (kind === 'rows') rows += Math.max(mine.rows, theirs.rows)
      rowsTotal = Math.max(rowsTotal, mine.count ?? 0, theirs.count ?? 0)
      if (mine.sum !== theirs.sum || mine.rows !== theirs.rows) {
        for (const key of await differing(one, other, range)) suspects.add(key)
        if (suspects.size > rangeKeysMax) throw tooMany(table)
      }
      onProgress({ rows, rowsTotal: Math.max(rowsTotal, rows), suspects: suspects.size })
      if (mine.end === null) break
      after = mine.end
    }
  }
  const places = [...suspects].map((key) => ({ table, key }))
  const digestOf = (kept: Parameters<typeof placeDigest>[0]): string => placeDigest(kept, since)
  return { rows, chunks, ...(await settled(one, other, places, settleMs, signal, digestOf)) }
}

/** Of all that a site has in a range, which may be more than the other has. */
async function wholeSum(site: PeerSite, range: KeyRange): Promise<RangeSum & { readonly count?: number }> {
  let [rows, sum, count] = [0, 0n, 0]
  for (let { after } = range; ;) {
    const part = await site.sumRange({ ...range, after }, chunkKeys)
    rows += part.rows
    sum ^= BigInt(`0x${part.sum}`)
    count = Math.max(count, part.count ?? 0)
    if (part.end === null) return { rows, sum: sum.toString(16), end: null, count }
    after = part.end
  }
}

async function differing(one: PeerSite, other: PeerSite, range: KeyRange): Promise<string[]> {
  const [ours, others] = await Promise.all([one.rangeKeys(range), other.rangeKeys(range)])
  if (ours === null || others === null) throw tooMany(range.table)
  const [mine, theirs] = [new Map(ours), new Map(others)]
  return [...new Set([...mine.keys(), ...theirs.keys()])].filter((key) => mine.get(key) !== theirs.get(key))
}

function tooMany(table: string): Error {
  return new Error(
    `table ${table}: more than ${rangeKeysMax} rows differ: fill one site anew (budao replicator bootstrap)`,
  )
}
