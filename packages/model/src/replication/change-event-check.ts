import type { ChangeEvent } from './change-event.ts'
import { isHlc } from './hlc.ts'

/** Values lie in one another at most so deep. */
export const depthMax = 32

const textMax = 255
const keyMax = 1024

/**
 * Whether what was read from JSON is an event beyond doubt. False says nothing yet: the schema, which is the last word, may
 * let it pass, and says what is wrong where it does not. Made for the path that every event takes.
 */
export function isChangeEvent(value: unknown): value is ChangeEvent {
  if (!isObject(value)) return false
  const { id, op, payload, v, origin, epoch, hlc, seq, key, table, schemaVersion, txId, before, knew, hash } =
    value
  return (
    isText(id, textMax) &&
    (op === 'create' || op === 'update' || op === 'delete') &&
    (payload === null ? op === 'delete' : isObject(payload)) &&
    v === 1 &&
    isText(origin, textMax) &&
    isCount(epoch) &&
    typeof hlc === 'string' &&
    isHlc(hlc) &&
    isCount(seq) &&
    isText(key, keyMax) &&
    isText(table, textMax) &&
    isCount(schemaVersion) &&
    isText(txId, textMax) &&
    isText(hash, textMax) &&
    (before === undefined || before === null || isObject(before)) &&
    (knew === undefined || isKnew(knew)) &&
    isPlain(value, 0)
  )
}

function isText(value: unknown, max: number): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= max
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isKnew(value: unknown): boolean {
  if (!isObject(value)) return false
  for (const site in value) if (!isCount(value[site])) return false
  return true
}

/** No name that the language itself reads, no number that JSON cannot write, nothing endlessly deep. */
function isPlain(value: object, depth: number): boolean {
  if (depth > depthMax) return false
  // Nothing that JSON was read into inherits a name that would come up here.
  for (const name in value) {
    if (name === '__proto__') return false
    const each = (value as Readonly<Record<string, unknown>>)[name]
    if (typeof each === 'number' ? !Number.isFinite(each) : each === undefined) return false
    if (typeof each === 'object' && each !== null && !isPlain(each, depth + 1)) return false
  }
  return true
}
