import { setTimeout as sleep } from 'node:timers/promises'
import type { RowPlace } from '../site-database.ts'
import { rowDigest, type TableDigest } from './digest.ts'
import type { KeptRow } from './snapshot.ts'

/** A site as it can be compared: its own database, or a peer that is asked. */
export interface ComparedSite {
  digest(table: string): Promise<TableDigest>
  /** Keys of these buckets with the digests of their rows; null: too many. */
  digestKeys(table: string, buckets: readonly number[]): Promise<ReadonlyMap<string, string> | null>
  rowsOf(places: readonly RowPlace[]): Promise<KeptRow[]>
}

/** What came of comparing. */
export interface Comparison {
  readonly rows: number
  /** Rows that stood still for `settleMs` and are not the same. */
  readonly different: readonly RowPlace[]
  /** Rows that went on changing. */
  readonly undecided: readonly RowPlace[]
}

/** How sites are compared. */
export interface CompareOptions {
  readonly tables: readonly string[]
  /** A row counts as different once neither site has changed it for so long, milliseconds. */
  readonly settleMs: number
  readonly signal: AbortSignal
}

const pollMs = 100
const placesMax = 200
/** A row that goes on changing is looked at for so many times `settleMs`. */
const patience = 4

/** Compares two sites while both are written to: a row on its way is no difference. Throws where nearly everything differs. */
export async function compareSites(
  here: ComparedSite,
  there: ComparedSite,
  { tables, settleMs, signal }: CompareOptions,
): Promise<Comparison> {
  const suspects: RowPlace[] = []
  let rows = 0
  for (const table of tables) {
    signal.throwIfAborted()
    const [mine, theirs] = await Promise.all([here.digest(table), there.digest(table)])
    rows += Math.max(mine.rows, theirs.rows)
    const buckets = mine.buckets.flatMap((sum, bucket) => (sum === theirs.buckets[bucket] ? [] : [bucket]))
    if (buckets.length === 0) continue
    const [ours, others] = await Promise.all([
      here.digestKeys(table, buckets),
      there.digestKeys(table, buckets),
    ])
    if (ours === null || others === null)
      throw new Error(`table ${table}: too many rows differ to be looked at one by one: bootstrap this site`)
    for (const key of new Set([...ours.keys(), ...others.keys()]))
      if (ours.get(key) !== others.get(key)) suspects.push({ table, key })
  }
  return { rows, ...(await settled(here, there, suspects, settleMs, signal)) }
}

/** Looks at rows that differ until they are equal, or have stood still for long enough to be different. */
export async function settled(
  here: Pick<ComparedSite, 'rowsOf'>,
  there: Pick<ComparedSite, 'rowsOf'>,
  suspects: readonly RowPlace[],
  settleMs: number,
  signal: AbortSignal,
  digestOf: (kept: KeptRow) => string = (kept) => (kept.row === null ? '' : rowDigest(kept)),
): Promise<Pick<Comparison, 'different' | 'undecided'>> {
  const different: RowPlace[] = []
  const since = new Map<RowPlace, { readonly text: string; readonly at: number }>()
  const until = performance.now() + settleMs * patience
  let left = suspects
  while (left.length > 0) {
    const [mine, theirs] = await Promise.all([
      digestsOf(here, left, digestOf),
      digestsOf(there, left, digestOf),
    ])
    const at = performance.now()
    left = left.filter((place, i) => {
      if (mine[i] === theirs[i]) return false
      const text = `${mine[i]} ${theirs[i]}`
      const known = since.get(place)
      if (known?.text !== text) since.set(place, { text, at })
      else if (at - known.at >= settleMs) {
        different.push(place)
        return false
      }
      return true
    })
    if (at > until) break
    if (left.length > 0) await sleep(Math.min(pollMs, settleMs), undefined, { signal })
  }
  return { different, undecided: left }
}

async function digestsOf(
  site: Pick<ComparedSite, 'rowsOf'>,
  places: readonly RowPlace[],
  digestOf: (kept: KeptRow) => string,
): Promise<string[]> {
  const digests: string[] = []
  for (let from = 0; from < places.length; from += placesMax) {
    const some = places.slice(from, from + placesMax)
    // What is no key there is not answered: each row is known by its place, not by its number.
    const found = new Map((await site.rowsOf(some)).map((kept) => [placeOf(kept), digestOf(kept)]))
    for (const place of some) digests.push(found.get(placeOf(place)) ?? '')
  }
  return digests
}

function placeOf({ table, key }: RowPlace): string {
  return `${table}\0${key}`
}
