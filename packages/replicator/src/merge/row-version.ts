import {
  canonicalJson,
  type ColumnMerge,
  compareStamps,
  hlcZero,
  type Json,
  type MergeRule,
  type Row,
  sameJson,
  type Stamp,
  type StampedRow,
} from '@budao/model'
import { type Column, own } from './column.ts'

/**
 * Everything a site has merged about one key. Versions of a key form a semilattice under `joinVersions`: any two sites that
 * have seen the same changes have the same version, whatever the order.
 */
export type RowVersion = RegisterVersion | ColumnsVersion | SiblingsVersion

/** The row as a whole, by the last write that counts: rules `owner`, `last-writer`, `park`. */
export interface RegisterVersion {
  readonly kind: 'register'
  readonly seen: Seen
  readonly stamp: Stamp
  /** Null: deleted; the version stays as its tombstone. */
  readonly row: Row | null
  /** Rule `owner`: of the lease under which it was written; absent: under none. */
  readonly epoch?: number
}

/** Column by column: rules `fields`, `crdt`. Columns of a deleted row are kept, for a change that comes late. */
export interface ColumnsVersion {
  readonly kind: 'columns'
  readonly seen: Seen
  readonly stamp: Stamp
  readonly created: Stamp | null
  readonly deleted: Stamp | null
  readonly columns: Readonly<Record<string, Column>>
}

/** All rows that were written without knowing of each other, until somebody writes who knows them: rule `callback`. */
export interface SiblingsVersion {
  readonly kind: 'siblings'
  readonly seen: Seen
  readonly stamp: Stamp
  /** By stamp, the earliest first. */
  readonly siblings: readonly Sibling[]
}

/** One of them. */
export interface Sibling extends StampedRow {
  readonly seq: number
}

/** The highest `seq` of each site that is in. */
export type Seen = Readonly<Record<string, number>>

/** Before all writes. */
export const stampZero: Stamp = { hlc: hlcZero, origin: '' }

/** Of the row that was there before all writes: every writer knows of it. */
export const seqZero = 0

/** What a row that was there before replication began counts as: the same at every site that holds the same row. */
export function initialVersion(row: Row | null, rule: MergeRule): RowVersion | null {
  if (row === null) return null
  if (rule.name === 'callback')
    return {
      kind: 'siblings',
      seen: {},
      stamp: stampZero,
      siblings: [{ row, stamp: stampZero, seq: seqZero }],
    }
  if (rule.name !== 'fields' && rule.name !== 'crdt')
    return { kind: 'register', seen: {}, stamp: stampZero, row }
  const kinds: Readonly<Record<string, ColumnMerge>> = rule.name === 'crdt' ? rule.columns : {}
  const columns = Object.entries(row).map(([name, value]) => [name, initialColumn(own(kinds, name), value)])
  return {
    kind: 'columns',
    seen: {},
    stamp: stampZero,
    created: stampZero,
    deleted: null,
    columns: Object.fromEntries(columns) as Record<string, Column>,
  }
}

function initialColumn(kind: ColumnMerge | undefined, value: Json): Column {
  switch (kind) {
    case 'counter':
      return { kind, parts: { '': [0, Number(value)] } }
    case 'set':
      return {
        kind,
        elements: Object.fromEntries(
          elementsOf(value).map((each) => [each, { stamp: stampZero, present: true }]),
        ),
      }
    case 'max':
    case 'min':
      return { kind, value }
    case undefined:
      return { kind: 'value', stamp: stampZero, value }
  }
}

/** The row that a version means; null: there is none. */
export function rowOf(version: RowVersion | null, rule: MergeRule): Row | null {
  if (version === null) return null
  if (version.kind === 'register') return version.row
  if (version.kind === 'siblings') return rowOfSiblings(version, rule)
  const { created, deleted, columns } = version
  if (deleted !== null) {
    if (rule.name === 'crdt' || created === null || compareStamps(created, deleted) < 0) return null
  }
  const row: Record<string, Json> = {}
  for (const [name, column] of Object.entries(columns)) {
    const gone = column.kind === 'value' && deleted !== null && compareStamps(column.stamp, deleted) < 0
    if (!gone) row[name] = valueOf(column)
  }
  return row
}

function rowOfSiblings({ siblings }: SiblingsVersion, rule: MergeRule): Row | null {
  const [first, ...others] = siblings
  if (rule.name !== 'callback') return siblings.at(-1)!.row
  let merged: StampedRow = first!
  for (const later of others) merged = { row: rule.merge(merged, later), stamp: later.stamp }
  return merged.row
}

/** The elements of a set's column, each as canonical JSON. */
export function elementsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map((each: Json) => canonicalJson(each)) : []
}

/** Equal rows, whatever the order of their columns. */
export function sameRow(a: Row | null, b: Row | null): boolean {
  return sameJson(a as Json, b as Json)
}

function valueOf(column: Column): Json {
  switch (column.kind) {
    case 'value':
    case 'max':
    case 'min':
      return column.value
    case 'counter':
      return Object.values(column.parts).reduce((sum, [, part]) => sum + part, 0)
    case 'set':
      return Object.keys(column.elements)
        .filter((element) => column.elements[element]!.present)
        .toSorted()
        .map((element) => JSON.parse(element) as Json)
  }
}
