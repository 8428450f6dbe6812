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

/** More keys that may differ are not looked at one by one. */
export const digestKeysMax = 200_000

/** The bucket of a key. */
export function bucketOf({ table, key }: Pick<KeptRow, 'table' | 'key'>): number {
  return partitionOf(table, key, bucketCount)
}

/** 64 bits of SHA-256 over key and row. A column that is null counts as one that is not there: sites add columns one after the other. */
export function rowDigest({ key, row }: Pick<KeptRow, 'key' | 'row'>): string {
  const columns = Object.fromEntries(Object.entries(row ?? {}).filter(([, value]) => value !== null))
  return hash('sha256', canonicalJson([key, columns] as Json)).slice(0, 16)
}

/** A part of a table, and behind what it goes on; null: it is the last one. */
export type DigestPart = TableDigest & { readonly next: string | null }

/** Keys with the digests of their rows, of a part of a table. */
export interface KeysPart {
  readonly keys: readonly (readonly [key: string, digest: string])[]
  readonly next: string | null
}

/** Where a part begins, and until when no further page is begun, in monotonic milliseconds: a table may be large, and who asks does not wait for ever. */
export interface PartBounds {
  readonly after: string | null
  readonly until: number
}

/** All of a table, whatever its size. */
export const wholeTable: PartBounds = { after: null, until: Infinity }

/** Sums up a table, page by page. */
export async function digestTable(
  snapshots: Pick<Snapshots, 'pages'>,
  table: string,
  { after, until }: PartBounds,
): Promise<DigestPart> {
  const sum = new DigestSum()
  let place: string | null = null
  for await (const { rows, next } of snapshots.pages(table, after)) {
    for (const row of rows) sum.add(row)
    place = next
    if (performance.now() >= until) break
  }
  return { ...sum.digest(), next: place }
}

/** Keys of some buckets with the digests of their rows, page by page. */
export async function digestKeys(
  snapshots: Pick<Snapshots, 'pages'>,
  table: string,
  buckets: ReadonlySet<number>,
  max: number,
  { after, until }: PartBounds,
): Promise<KeysPart | null> {
  const keys: (readonly [string, string])[] = []
  let place: string | null = null
  for await (const { rows, next } of snapshots.pages(table, after)) {
    for (const row of rows) if (buckets.has(bucketOf(row))) keys.push([row.key, rowDigest(row)])
    if (keys.length > max) return null
    place = next
    if (performance.now() >= until) break
  }
  return { keys, next: place }
}

/** Rows, and parts of a table that were summed up elsewhere, as one sum. */
export class DigestSum {
  readonly #high: Uint32Array = new Uint32Array(bucketCount)
  readonly #low: Uint32Array = new Uint32Array(bucketCount)
  readonly #counts: Uint32Array = new Uint32Array(bucketCount)
  #rows = 0

  add(row: KeptRow): void {
    this.#put(bucketOf(row), rowDigest(row), 1)
  }

  addPart({ buckets }: TableDigest): void {
    for (const [bucket, text] of buckets.entries()) {
      if (text === '') continue
      const [count, digest] = text.split(' ') as [string, string]
      this.#put(bucket, digest, Number(count))
    }
  }

  digest(): TableDigest {
    const hex = (value: number): string => value.toString(16).padStart(8, '0')
    const buckets = Array.from(this.#counts, (count, i) =>
      count === 0 ? '' : `${count} ${hex(this.#high[i]!)}${hex(this.#low[i]!)}`,
    )
    return { rows: this.#rows, buckets }
  }

  #put(bucket: number, digest: string, count: number): void {
    this.#high[bucket]! ^= parseInt(digest.slice(0, 8), 16)
    this.#low[bucket]! ^= parseInt(digest.slice(8), 16)
    this.#counts[bucket]! += count
    this.#rows += count
  }
}
