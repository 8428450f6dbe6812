import type { WriteRowsEvent } from '@vlasky/zongji'
import { type ChangeEvent, type RefusedChange, refusedTextMax, type Row } from '@budao/model'
import { parseChangeEvent } from '@budao/model/parser'
import { sealed } from '../../event-hash.ts'
import { heartbeatTable } from '../../replicated-table.ts'
import { keyOf, type SqlValue, type TableShape } from './table-shape.ts'

/** A transaction of which the end was not read yet. */
export interface OpenTransaction {
  readonly gtid: string
  readonly seq: number
  /** Written by an applier, or replicated from somewhere: not this site's. */
  readonly isForeign: boolean
  readonly isStandalone: boolean
  readonly changes: { readonly shape: TableShape; readonly before: Row | null; readonly after: Row | null }[]
  /** Events that the application wrote into the outbox, as JSON. */
  readonly written: string[]
  beat: { readonly n: number; readonly at: number; readonly heard: Readonly<Record<string, string>> } | null
  bytes: number
}

/** Of one row, changes of one transaction: so many have places in `seq` of their own. */
export const changesOfKeyMax = 1024

/** Its changes as events, in the order of its statements. */
export function eventsOf(
  { gtid, seq, changes, written, beat }: OpenTransaction,
  more: Pick<ChangeEvent, 'origin' | 'epoch' | 'hlc'>,
): { readonly events: ChangeEvent[]; readonly refused: RefusedChange[] } {
  const changesOfKey = new Map<string, number>()
  const events: ChangeEvent[] = []
  const refused: RefusedChange[] = []
  const add = (shape: TableShape, op: ChangeEvent['op'], before: Row | null, payload: Row | null): void => {
    const { table } = shape
    const key = keyOf(shape, (payload ?? before)!)
    const place = `${table}\0${key}`
    const nth = changesOfKey.get(place) ?? 0
    changesOfKey.set(place, nth + 1)
    const id = `${gtid}/${events.length + refused.length}`
    if (nth >= changesOfKeyMax) {
      const detail = `expected at most ${changesOfKeyMax} changes of one row in one transaction, found more in ${gtid}`
      refused.push({ reason: 'too-large', detail, text: `${id} ${place}`.slice(0, refusedTextMax) })
      return
    }
    events.push(
      sealed({
        id,
        op,
        payload,
        v: 1,
        ...more,
        seq: seq * changesOfKeyMax + nth,
        key,
        table,
        schemaVersion: 1,
        txId: gtid,
        before,
      }),
    )
  }
  for (const { shape, before, after } of changes) {
    if (before !== null && after !== null && keyOf(shape, before) !== keyOf(shape, after)) {
      // A row under another key is another row.
      add(shape, 'delete', before, null)
      add(shape, 'create', null, after)
    } else if (after === null) add(shape, 'delete', before, null)
    else add(shape, before === null ? 'create' : 'update', before, after)
  }
  for (const text of written) {
    const parsed = parseChangeEvent(text)
    if (parsed.ok) events.push(parsed.event)
    else refused.push({ reason: parsed.reason, detail: parsed.detail, text: text.slice(0, refusedTextMax) })
  }
  if (beat !== null) {
    const { n, at, heard } = beat
    const event = {
      id: gtid,
      op: 'update',
      payload: { n, at, heard },
      v: 1,
      ...more,
      seq: n,
      key: more.origin,
    } as const
    events.push(sealed({ ...event, table: heartbeatTable, schemaVersion: 1, txId: gtid }))
  }
  return { events, refused }
}

/** A row of the binlog, column by column. */
export type Image = Readonly<Record<string, SqlValue | undefined>>

/** A row before and after its change; null: it was not, or is not there. */
export function images(kind: string, row: Image): [before: Image | null, after: Image | null] {
  if (kind === 'writerows') return [null, row]
  if (kind === 'deleterows') return [row, null]
  return [row['before'] as unknown as Image, row['after'] as unknown as Image]
}

/** Rows as they were written, changed (`before` and `after`) or deleted. */
export type RowsOfTable = Omit<WriteRowsEvent, 'getEventName'> & {
  readonly tableName: string
  getEventName(): string
}

/** Marks of the peers, as a heartbeat’s row has them. */
export function heardOf(stored: unknown): Readonly<Record<string, string>> {
  const text = Buffer.isBuffer(stored) ? stored.toString() : stored
  return typeof text === 'string' ? (JSON.parse(text) as Record<string, string>) : {}
}
