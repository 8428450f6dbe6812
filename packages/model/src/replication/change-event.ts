/**
 * One change of one row, as it travels between sites. Flat JSON on the wire; fields that this version does not know are
 * kept and travel on with it.
 */
export interface ChangeEvent {
  /** Unique among all events of `origin`: the same id again is the same event again. */
  readonly id: string
  readonly op: ChangeOp
  /**
   * The row after the change, whole; with `delete` what identified it, or null. A table that counts or collects reads the
   * change from the difference to `before`.
   */
  readonly payload: Row | null
  /** Version of this format. */
  readonly v: 1
  /** The site that wrote it. */
  readonly origin: string
  /** The writer's epoch: below the lowest that is accepted of its unit, it goes into quarantine. */
  readonly epoch: number
  /** The unit whose lease the write was made under; absent: the epoch is that of all that its site writes. */
  readonly unit?: string
  /** When it was written, by the hybrid logical clock of `origin`. */
  readonly hlc: string
  /** Rises with every event of the same key from the same origin; gaps mean nothing. */
  readonly seq: number
  /** The row's primary key as text; several columns as a JSON array. Order is kept for each (table, key). */
  readonly key: string
  readonly table: string
  /** Of the table's shape at the writer: a breaking change raises it. */
  readonly schemaVersion: number
  /** Events of one database transaction have the same, and are applied together. */
  readonly txId: string
  /** The row before the change, whole; null: there was none; absent: the writer does not know. */
  readonly before?: Row | null
  /** The highest `seq` of each site that the writer had merged of this key; absent: it does not know. */
  readonly knew?: Readonly<Record<string, number>>
  /** Of everything above and of unknown fields, by `eventDigestInput`. */
  readonly hash: string
}

/** What happened to the row. */
export type ChangeOp = 'create' | 'update' | 'delete'

/** A row's columns by name. */
export type Row = Readonly<Record<string, Json>>

/** What JSON can hold. Bytes travel as `{ "$base64": "…" }`, whole numbers beyond 2^53 as `{ "$integer": "…" }`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * What an application hands over: `{ id, op, payload }` is enough. The rest is filled in where it enters: `key` from
 * `payload.id`, else `id`; `table` is `events`; `txId` is `id`; `schemaVersion` is 1.
 */
export type ChangeDraft = Pick<ChangeEvent, 'id' | 'op' | 'payload'> &
  Partial<Pick<ChangeEvent, 'table' | 'key' | 'txId' | 'schemaVersion' | 'before' | 'epoch' | 'unit'>>

/** Events that were committed together, in the order of their statements. Never empty; all of one origin and `txId`. */
export type Transaction = readonly ChangeEvent[]

/** Largest event on the wire, bytes of JSON: what brokers take by default (1 MiB), less the envelope. */
export const eventBytesMax = 1_000_000

/** The table of events that name none. */
export const defaultTable = 'events'

/** The key of a draft that names none: `payload.id` where that is a text or number, else the event's own id. */
export function draftKey({ id, key, payload }: Pick<ChangeDraft, 'id' | 'key' | 'payload'>): string {
  if (key !== undefined) return key
  const own = payload?.['id']
  return typeof own === 'string' || typeof own === 'number' ? String(own) : id
}

// In the order of their code units, as canonical JSON has them.
const hashedNames = [
  ...[
    'before',
    'epoch',
    'hlc',
    'id',
    'key',
    'knew',
    'op',
    'origin',
    'payload',
    'schemaVersion',
    'seq',
    'table',
  ],
  ...['txId', 'v'],
]

/** What `hash` is taken of: canonical JSON of the event without it. */
export function eventDigestInput(event: Omit<ChangeEvent, 'hash'>): string {
  const fields = event as unknown as Readonly<Record<string, Json | undefined>>
  // Sorting fifteen names costs more than all the rest, and nearly every event has these.
  let text = '{'
  let known = fields['hash'] === undefined ? 0 : 1
  for (const name of hashedNames) {
    const value = fields[name]
    if (value === undefined) continue
    known++
    text += `${text === '{' ? '' : ','}"${name}":${canonicalJson(value)}`
  }
  if (known === Object.keys(fields).length) return `${text}}`
  const { hash: _, ...hashed } = fields
  return canonicalJson(hashed as Json)
}

/** JSON with the keys of every object in the order of their code units, without spaces: equal values, equal text. */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((each: Json) => canonicalJson(each)).join(',')}]`
  const object = value as { readonly [key: string]: Json | undefined }
  let text = '{'
  for (const key of inOrder(Object.keys(object))) {
    const each = object[key]
    if (each !== undefined) text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(each)}`
  }
  return `${text}}`
}

/** Whether two values have the same canonical JSON, without writing it. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return asNull(a) && asNull(b)
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((each: Json, index) => sameJson(each, b[index] as Json))
    )
  }
  const [one, other] = [a, b] as Readonly<Record<string, Json>>[]
  const names = Object.keys(one!)
  return (
    names.length === Object.keys(other!).length &&
    names.every((name) => Object.hasOwn(other!, name) && sameJson(one![name], other![name]))
  )
}

/** JSON has no number for what is not finite. */
function asNull(value: Json | undefined): boolean {
  return value === null || (typeof value === 'number' && !Number.isFinite(value))
}

/** The names sorted; those that are already are not touched. */
function inOrder(names: string[]): string[] {
  for (let i = 1; i < names.length; i++) if (names[i - 1]! > names[i]!) return names.toSorted()
  return names
}
