import type { Row } from './change-event.ts'
import type { Stamp } from './hlc.ts'

/**
 * How two sites' changes of one row become one, the same at both whatever order they come in.
 * owner: a change by the site that owns the row beats any other; among equals the later stamp. The default.
 * last-writer: the later stamp, whole rows. fields: the later stamp, column by column.
 * crdt: column by column as `columns` says: counters add up, sets join, largest or smallest stands; others as `fields`. A
 * key that was deleted does not come back.
 * callback: a function of the application. park: a person.
 */
export const mergeRuleNames = ['owner', 'last-writer', 'fields', 'crdt', 'callback', 'park'] as const

/** One of `mergeRuleNames`. */
export type MergeRuleName = (typeof mergeRuleNames)[number]

/** How one column merges under `crdt`. */
export type ColumnMerge = 'counter' | 'set' | 'max' | 'min'

/** A rule with what it needs to decide. */
export type MergeRule =
  | { readonly name: 'owner'; readonly ownerOf: (key: string, row: Row | null) => string }
  | { readonly name: 'last-writer' | 'fields' | 'park' }
  | { readonly name: 'crdt'; readonly columns: Readonly<Record<string, ColumnMerge>> }
  | { readonly name: 'callback'; readonly merge: MergeCallback }

/**
 * The row of two that were written without knowing of each other, the one with the earlier stamp first; null deletes it.
 * Must depend on nothing else. Of more than two it is asked step by step, the earliest two first.
 */
export type MergeCallback = (earlier: StampedRow, later: StampedRow) => Row | null

/** A row, and when and where it was written. */
export interface StampedRow {
  readonly row: Row | null
  readonly stamp: Stamp
}
