import { hash } from 'node:crypto'
import { canonicalJson, type Json } from '@budao/model'
import { rowDigest } from './digest.ts'
import type { KeptRow } from './snapshot.ts'

/** Keys of a table between two of them, in the order of the database: behind `after`, up to and with `upTo`; null: open. */
export interface KeyRange {
  /** tombstones: what is remembered of rows that are gone. */
  readonly kind: 'rows' | 'tombstones'
  readonly table: string
  readonly after: string | null
  readonly upTo: string | null
  /** Tombstones with an earlier stamp do not count: each site forgets them when it comes to it. */
  readonly since: string
}

/** Some keys with the digests of what is there. */
export interface RangePage {
  readonly digests: readonly (readonly [key: string, digest: string])[]
  /** Behind which key it goes on; null: the range is at its end. */
  readonly next: string | null
}

/** What a range comes to: equal sums, equal rows. */
export interface RangeSum {
  readonly rows: number
  readonly sum: string
  /** The last key that is in; null: the range is at its end. */
  readonly end: string | null
}

/** Reads a database key by key, in one order at all sites. */
export interface KeyRanges {
  /** At most `keysMax` of them. */
  page(range: KeyRange, keysMax: number): RangePage
  count(table: string): number
}

const pageKeys = 500

/** Sums up the first `keysMax` keys of a range, some at a time: others want the thread as well. */
export async function sumRange(ranges: KeyRanges, range: KeyRange, keysMax: number): Promise<RangeSum> {
  let [rows, sum] = [0, 0n]
  let end = range.after
  for (;;) {
    const { digests, next } = ranges.page({ ...range, after: end }, Math.min(pageKeys, keysMax - rows))
    for (const [, digest] of digests) sum ^= BigInt(`0x${digest}`)
    rows += digests.length
    if (next === null || rows >= keysMax) return { rows, sum: sum.toString(16), end: next }
    end = next
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** All keys of a range; null: more than `keysMax`. */
export async function keysOfRange(
  ranges: KeyRanges,
  range: KeyRange,
  keysMax: number,
): Promise<(readonly [key: string, digest: string])[] | null> {
  const found: (readonly [string, string])[] = []
  for (let { after } = range; ;) {
    const { digests, next } = ranges.page({ ...range, after }, pageKeys)
    found.push(...digests)
    if (found.length > keysMax) return null
    if (next === null) return found
    after = next
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** 64 bits over what is at a key: a row, a tombstone that counts, or nothing (empty). */
export function placeDigest(kept: Pick<KeptRow, 'key' | 'row' | 'version'>, since: string): string {
  const { key, row, version } = kept
  if (row !== null) return rowDigest(kept)
  if (version === null || version.stamp.hlc < since) return ''
  const { hlc, origin } = version.stamp
  return hash('sha256', canonicalJson([key, hlc, origin])).slice(0, 16)
}

/** Of what was looked at, with what it was merged from: whether it still is what it was. */
export function keptDigest({ row, version }: Pick<KeptRow, 'row' | 'version'>): string {
  return hash('sha256', canonicalJson([row, version] as unknown as Json)).slice(0, 32)
}
