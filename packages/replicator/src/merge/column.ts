import { canonicalJson, compareStamps, type Json, type Stamp } from '@budao/model'

/** What was merged about one column. */
export type Column =
  | { readonly kind: 'value'; readonly stamp: Stamp; readonly value: Json }
  /** By site: the highest `seq` that is in, and the sum of that site's changes. */
  | {
      readonly kind: 'counter'
      readonly parts: Readonly<Record<string, readonly [seq: number, sum: number]>>
    }
  /** By element as canonical JSON: whether it is in, by the last change of it. */
  | { readonly kind: 'set'; readonly elements: Readonly<Record<string, SetElement>> }
  | { readonly kind: 'max' | 'min'; readonly value: Json }

/** The last change of one element. */
export interface SetElement {
  readonly stamp: Stamp
  readonly present: boolean
}

/** The least column that holds both; commutative, associative, idempotent. */
export function joinColumns(a: Column | undefined, b: Column | undefined): Column {
  if (a === undefined || b === undefined) return (a ?? b)!
  if (a.kind === 'counter' && b.kind === 'counter') {
    return { kind: 'counter', parts: joinRecords(a.parts, b.parts, (x, y) => (x[0] >= y[0] ? x : y)) }
  }
  if (a.kind === 'set' && b.kind === 'set') {
    return { kind: 'set', elements: joinRecords(a.elements, b.elements, later) }
  }
  if (a.kind === 'max' && b.kind === 'max') return compareValues(a.value, b.value) >= 0 ? a : b
  if (a.kind === 'min' && b.kind === 'min') return compareValues(a.value, b.value) <= 0 ? a : b
  if (a.kind === 'value' && b.kind === 'value') return later(a, b)
  // The rule of this column was changed while its old state was kept; one order of kinds, so that both sites agree.
  return a.kind < b.kind ? a : b
}

/** Both records, with `join` where a name is in both. */
export function joinRecords<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  join: (x: T, y: T) => T,
): Readonly<Record<string, T>> {
  const joined: Record<string, T> = { ...a }
  for (const [name, value] of Object.entries(b)) {
    const mine = own(a, name)
    joined[name] = mine === undefined ? value : join(mine, value)
  }
  return joined
}

/** The value under a name that people chose: a column may be called `constructor`. */
export function own<T>(record: Readonly<Record<string, T>> | null | undefined, name: string): T | undefined {
  return record !== null && record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

function later<T extends { readonly stamp: Stamp }>(a: T, b: T): T {
  return compareStamps(a.stamp, b.stamp) >= 0 ? a : b
}

/** Numbers by size, texts by code units, numbers before texts, anything else before both. */
function compareValues(a: Json, b: Json): number {
  const rank = (value: Json): number => (typeof value === 'string' ? 2 : typeof value === 'number' ? 1 : 0)
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [x, y] =
    typeof a === 'string' && typeof b === 'string' ? [a, b] : [canonicalJson(a), canonicalJson(b)]
  return x < y ? -1 : x > y ? 1 : 0
}
