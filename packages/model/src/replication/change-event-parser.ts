import { z } from 'zod'
import { type ChangeDraft, type ChangeEvent, eventBytesMax } from './change-event.ts'
import type { DeadLetterReason } from './applier.ts'
import { depthMax, isChangeEvent } from './change-event-check.ts'
import { isHlc } from './hlc.ts'

/** What came of a text or value that should be an event. */
export type ParsedEvent<T> =
  | { readonly ok: true; readonly event: T }
  | { readonly ok: false; readonly reason: DeadLetterReason; readonly detail: string }

// Every `error` completes the sentence "expected …".
const text = (expected: string, max = 255): z.ZodType<string> =>
  z.string({ error: expected }).min(1, { error: expected }).max(max, { error: expected })
const count = (expected: string, min = 0): z.ZodType<number> =>
  z.int({ error: expected }).min(min, { error: expected })
const row = z.union([z.record(z.string(), z.json()), z.null()], { error: 'an object of columns, or null' })

const draftShape = {
  id: text('a text of 1 to 255 characters'),
  op: z.enum(['create', 'update', 'delete'], { error: 'create, update or delete' }),
  payload: row,
  table: text('the name of a table, 1 to 255 characters'),
  key: text('a key of 1 to 1024 characters', 1024),
  txId: text('a text of 1 to 255 characters'),
  schemaVersion: count('a whole number from 0'),
  before: z.exactOptional(row),
  epoch: count('a whole number from 0'),
  unit: z.exactOptional(text('the name of a unit')),
} as const

const draftSchema = z
  .looseObject({
    ...draftShape,
    table: z.exactOptional(draftShape.table),
    key: z.exactOptional(draftShape.key),
    txId: z.exactOptional(draftShape.txId),
    schemaVersion: z.exactOptional(draftShape.schemaVersion),
    epoch: z.exactOptional(draftShape.epoch),
  })
  .refine(({ op, payload }) => op === 'delete' || payload !== null, {
    path: ['payload'],
    error: 'the row, since only a delete has none',
  })

/** An event as it travels. Unknown fields are kept. */
export const changeEventSchema: z.ZodType<ChangeEvent> = z
  .looseObject({
    ...draftShape,
    v: z.literal(1, { error: '1, the version of this format' }),
    origin: text('the name of a site'),
    hlc: z.string().refine(isHlc, { error: '16 hexadecimal digits' }),
    seq: count('a whole number from 0'),
    knew: z.exactOptional(z.record(z.string(), count('a whole number from 0'))),
    hash: text('a hash'),
  })
  .refine(({ op, payload }) => op === 'delete' || payload !== null, {
    path: ['payload'],
    error: 'the row, since only a delete has none',
  }) as unknown as z.ZodType<ChangeEvent>

/** Reads what an application hands over; an event with fields it did not have to give keeps those that are allowed. */
export function parseChangeDraft(value: unknown): ParsedEvent<ChangeDraft> {
  return checked(draftSchema as unknown as z.ZodType<ChangeDraft>, value)
}

/** Reads one event as it travels, from its JSON. */
export function parseChangeEvent(json: string): ParsedEvent<ChangeEvent> {
  if (json.length > eventBytesMax) {
    return refused('too-large', `expected at most ${eventBytesMax} bytes, found ${json.length}`)
  }
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    return refused('not-an-event', `expected JSON: ${(error as Error).message}`)
  }
  // Good events are found out without the schema, which takes five times as long; it says what is wrong with the others.
  return isChangeEvent(value) ? { ok: true, event: value } : checked(changeEventSchema, value)
}

function checked<T>(schema: z.ZodType<T>, value: unknown): ParsedEvent<T> {
  // A key that the language itself reads is in no row of anybody's: it would be lost or worse in every object made of it.
  const poisoned = findProto(value, 'event', 0)
  if (poisoned !== null) return refused('not-an-event', poisoned)
  const result = schema.safeParse(value)
  if (result.success) return { ok: true, event: result.data }
  const detail = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.length === 0 ? 'event' : path.join('.')}: expected ${message}`)
    .join('; ')
  return refused('not-an-event', detail)
}

function findProto(value: unknown, path: string, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return null
  if (depth > depthMax) return `${path}: expected at most ${depthMax} levels`
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return `${path}: expected no key named __proto__`
    const found = findProto((value as Record<string, unknown>)[key], `${path}.${key}`, depth + 1)
    if (found !== null) return found
  }
  return null
}

function refused(reason: DeadLetterReason, detail: string): Extract<ParsedEvent<never>, { ok: false }> {
  return { ok: false, reason, detail }
}
