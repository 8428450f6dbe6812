import { hash } from 'node:crypto'
import { canonicalJson, type Json, partitionOf } from '@budao/model'
import type { KeptRow, Snapshots } from './snapshot.ts'

/** A table summed up by key: two sites with equal sums have equal rows. */
export interface TableDigest {
  readonly rows: number
  /** Of each bucket of keys the XOR of its rows' digests, and how many there are. */
  readonly buckets: readonly string[]
}

/** Keys are spread over so many sums: where one differs, a thousandth of the table is looked at. */
export const bucketCount = 1024

/** The bucket of a key. */
export function bucketOf({ table, key }: Pick<KeptRow, 'table' | 'key'>): number {
  return partitionOf(table, key, bucketCount)
}

/** 64 bits of SHA-256 over key and row. A column that is null counts as one that is not there: sites add columns one after the other. */
export function rowDigest({ key, row }: Pick<KeptRow, 'key' | 'row'>): string {
  const columns = Object.fromEntries(Object.entries(row ?? {}).filter(([, value]) => value !== null))
  return hash('sha256', canonicalJson([key, columns] as Json)).slice(0, 16)
}

/** Sums up a table, page by page. */
export async function digestTable(snapshots: Pick<Snapshots, 'pages'>, table: string): Promise<TableDigest> {
  const [high, low, counts] = [0, 0, 0].map(() => new Uint32Array(bucketCount)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  let rows = 0
  for await (const page of snapshots.pages(table)) {
    for (const row of page) {
      const [bucket, digest] = [bucketOf(row), rowDigest(row)]
      high[bucket]! ^= parseInt(digest.slice(0, 8), 16)
      low[bucket]! ^= parseInt(digest.slice(8), 16)
      counts[bucket]!++
      rows++
    }
  }
  const hex = (value: number): string => value.toString(16).padStart(8, '0')
  return {
    rows,
    buckets: Array.from(counts, (count, i) =>
      count === 0 ? '' : `${count} ${hex(high[i]!)}${hex(low[i]!)}`,
    ),
  }
}

/** Keys of some buckets with the digests of their rows; null: more than `max`. */
export async function digestKeys(
  snapshots: Pick<Snapshots, 'pages'>,
  table: string,
  buckets: ReadonlySet<number>,
  max: number,
): Promise<Map<string, string> | null> {
  const found = new Map<string, string>()
  for await (const page of snapshots.pages(table)) {
    for (const row of page) if (buckets.has(bucketOf(row))) found.set(row.key, rowDigest(row))
    if (found.size > max) return null
  }
  return found
}
