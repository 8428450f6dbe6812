import {
  type ChangeEvent,
  type ColumnMerge,
  type Conflict,
  type Json,
  type MergeRule,
  type Row,
  sameJson,
  type Stamp,
} from '@budao/model'
import { type Column, own } from './column.ts'
import { joinVersions } from './join.ts'
import {
  type ColumnsVersion,
  elementsOf,
  initialVersion,
  rowOf,
  type RowVersion,
  sameRow,
  seqZero,
  stampZero,
} from './row-version.ts'

/** What comes of one event meeting what is here. */
export type Merge =
  /** It was in already; nothing changes. */
  | { readonly verdict: 'duplicate' }
  /** A person has to decide; nothing changes. */
  | { readonly verdict: 'park'; readonly detail: string }
  | {
      readonly verdict: 'merged'
      readonly version: RowVersion
      /** The row that is to stand; null: none. */
      readonly row: Row | null
      /** Whether it is another than stands there. */
      readonly changes: boolean
      /** The event did not know of what was here; whose change stands. Null: it did. */
      readonly winner: Exclude<Conflict['winner'], 'parked'> | null
    }

/**
 * Merges one change into what is known of its key. `version` is what was stored with the row, null where nothing was; `row`
 * is the row as it stands. For a change of this site, which is in the table already, `row` is the one before it.
 */
export function mergeEvent(
  version: RowVersion | null,
  row: Row | null,
  event: ChangeEvent,
  rule: MergeRule,
): Merge {
  const here = version ?? initialVersion(row, rule)
  if (here !== null && (own(here.seen, event.origin) ?? -1) >= event.seq) return { verdict: 'duplicate' }
  const conflicts = unaware(here, row, event)
  if (conflicts && rule.name === 'park') {
    return {
      verdict: 'park',
      detail: `expected the row before the change as it was at ${event.origin}, found another`,
    }
  }
  let merged: RowVersion
  let result: Row | null
  try {
    merged = joinVersions(event.key, here, lift(here, event, rule), rule)
    result = rowOf(merged, rule)
  } catch (error) {
    return { verdict: 'park', detail: (error as Error).message }
  }
  return {
    verdict: 'merged',
    version: merged,
    row: result,
    changes: !sameRow(result, row),
    winner: conflicts ? winner(row, event, result) : null,
  }
}

/** Whether the event was written without knowing of a change that is here. */
function unaware(here: RowVersion | null, row: Row | null, event: ChangeEvent): boolean {
  if (here === null) return false
  if (event.knew !== undefined) {
    return Object.entries(here.seen).some(
      ([site, seq]) =>
        site !== event.origin && site !== stampZero.origin && seq > (own(event.knew, site) ?? -1),
    )
  }
  if (here.stamp.origin === event.origin) return false
  if (event.before !== undefined) return !sameRow(event.before, row)
  // Its writer does not say what it knew. What is later than it, it cannot have known.
  return here.stamp.hlc > event.hlc
}

function winner(row: Row | null, event: ChangeEvent, result: Row | null): 'local' | 'remote' | 'merged' {
  if (sameRow(result, event.op === 'delete' ? null : event.payload)) return 'remote'
  return sameRow(result, row) ? 'local' : 'merged'
}

/** The version that holds this change alone, beside what its site had done before. */
function lift(here: RowVersion | null, event: ChangeEvent, rule: MergeRule): RowVersion {
  const stamp: Stamp = { hlc: event.hlc, origin: event.origin }
  const seen = { [event.origin]: event.seq }
  const row = event.op === 'delete' ? null : event.payload
  if (rule.name === 'callback') {
    return {
      kind: 'siblings',
      seen: { [stampZero.origin]: seqZero, ...event.knew, ...seen },
      stamp,
      siblings: [{ row, stamp, seq: event.seq }],
    }
  }
  if (rule.name !== 'fields' && rule.name !== 'crdt') {
    const lease = rule.name === 'owner' && event.unit !== undefined ? { epoch: event.epoch } : {}
    return { kind: 'register', seen, stamp, row, ...lease }
  }
  const { op } = event
  return {
    kind: 'columns',
    seen,
    stamp,
    created: op === 'create' ? stamp : null,
    deleted: op === 'delete' ? stamp : null,
    columns: op === 'delete' ? {} : liftColumns(here?.kind === 'columns' ? here : null, event, stamp, rule),
  }
}

function liftColumns(
  here: ColumnsVersion | null,
  event: ChangeEvent,
  stamp: Stamp,
  rule: MergeRule,
): Record<string, Column> {
  const kinds: Readonly<Record<string, ColumnMerge>> = rule.name === 'crdt' ? rule.columns : {}
  const before = event.op === 'create' ? {} : event.before
  const columns: Record<string, Column> = {}
  for (const [name, value] of Object.entries(event.payload!)) {
    const was = own(before, name)
    const kind = own(kinds, name)
    if (kind === undefined) {
      // Columns that were not changed keep the stamps they have.
      if (!sameJson(was, value)) {
        columns[name] = { kind: 'value', stamp, value }
      }
    } else if (kind === 'max' || kind === 'min') {
      columns[name] = { kind, value }
    } else if (before === undefined || before === null) {
      throw new Error(
        `column ${name} is a ${kind}: expected the row before the change beside the one after it`,
      )
    } else if (kind === 'counter') {
      const mine = own(here?.columns, name)
      const [, sum] = (mine?.kind === 'counter' ? own(mine.parts, event.origin) : undefined) ?? [0, 0]
      columns[name] = {
        kind,
        parts: { [event.origin]: [event.seq, sum + numberOf(name, value) - numberOf(name, was ?? 0)] },
      }
    } else {
      columns[name] = { kind, elements: setChanges(was, value, stamp) }
    }
  }
  return columns
}

function setChanges(
  was: Json | undefined,
  value: Json,
  stamp: Stamp,
): Record<string, { stamp: Stamp; present: boolean }> {
  const [old, now] = [new Set(elementsOf(was)), new Set(elementsOf(value))]
  const changes: Record<string, { stamp: Stamp; present: boolean }> = {}
  for (const element of now) if (!old.has(element)) changes[element] = { stamp, present: true }
  for (const element of old) if (!now.has(element)) changes[element] = { stamp, present: false }
  return changes
}

function numberOf(name: string, value: Json): number {
  if (typeof value === 'number') return value
  throw new Error(`column ${name} is a counter: expected a number, found ${JSON.stringify(value)}`)
}
