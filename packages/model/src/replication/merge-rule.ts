/**
 * How two sites' changes of one row become one, the same at both whatever order they come in.
 * owner: the site that owns the row is right; others' changes of it are parked.
 * last-writer: the later stamp, whole rows. fields: the later stamp, column by column.
 * crdt: column by column as `columns` says: counters add up, sets join, largest or smallest stands; others as `fields`.
 * callback: a function of the application. park: a person.
 */
export const mergeRuleNames = ['owner', 'last-writer', 'fields', 'crdt', 'callback', 'park'] as const

/** One of `mergeRuleNames`. */
export type MergeRuleName = (typeof mergeRuleNames)[number]

/** How one column merges under `crdt`. */
export type ColumnMerge = 'counter' | 'set' | 'max' | 'min'
