import type { Answered, Asked, Handlers } from '../http/http-front.ts'
import { refusal } from '../http/http-front.ts'
import { type KeyRange, keysOfRange, sumRange } from './key-ranges.ts'
import type { Repair, Snapshots } from './snapshot.ts'

/** Most keys of one sum. */
const sumKeysMax = 20_000
/** Most keys that are named one by one. */
export const rangeKeysMax = 100_000
/** Most rows that are repaired at once. */
export const repairsMax = 100

/** Sums of key ranges, and repairs, over HTTP; none where the database is compared past the replicator. */
export function rangeRoutes(snapshots: Snapshots, tables: readonly string[]): Handlers {
  const { ranges } = snapshots
  if (ranges === undefined) return {}
  const withRange = (
    asked: Asked,
    work: (range: KeyRange) => Promise<Answered>,
  ): Promise<Answered> | Answered => {
    const range = (asked.body as { range?: unknown } | undefined)?.range
    if (!isRange(range))
      return refusal(
        400,
        'bad-body',
        'expected range: kind (rows or tombstones), table, after, upTo and since',
      )
    if (!tables.includes(range.table))
      return refusal(404, 'unknown-table', `expected a table of replication.tables, found ${range.table}`)
    return work(range)
  }
  return {
    'POST /v1/range/sum': (asked) =>
      withRange(asked, async (range) => {
        const keys = Number((asked.body as { keys?: unknown }).keys)
        if (!Number.isSafeInteger(keys) || keys < 1 || keys > sumKeysMax)
          return refusal(400, 'bad-body', `expected keys: 1 to ${sumKeysMax}`)
        const count = range.kind === 'rows' && range.after === null ? ranges.count(range.table) : undefined
        return { status: 200, body: { ...(await sumRange(ranges, range, keys)), count } }
      }),
    'POST /v1/range/keys': (asked) =>
      withRange(asked, async (range) => ({
        status: 200,
        body: { keys: await keysOfRange(ranges, range, rangeKeysMax) },
      })),
    'POST /v1/repair': async ({ body }) => {
      const { repairs } = (body ?? {}) as { repairs?: readonly Repair[] }
      if (!Array.isArray(repairs) || repairs.length > repairsMax || !repairs.every(isRepair))
        return refusal(400, 'bad-body', `expected repairs: at most ${repairsMax}, each with found and right`)
      return { status: 200, body: { done: (await snapshots.repair?.(repairs)) ?? [] } }
    },
  }
}

function isRange(value: unknown): value is KeyRange {
  const { kind, table, after, upTo, since } = (value ?? {}) as Partial<KeyRange>
  const isKey = (key: unknown): boolean => key === null || typeof key === 'string'
  const isKind = kind === 'rows' || kind === 'tombstones'
  return isKind && typeof table === 'string' && typeof since === 'string' && isKey(after) && isKey(upTo)
}

function isRepair(value: Repair): boolean {
  const { found, right } = (value ?? {}) as Partial<Repair>
  const isRight = typeof right?.table === 'string' && typeof right.key === 'string'
  return (
    typeof found === 'string' && isRight && typeof right.row === 'object' && typeof right.version === 'object'
  )
}
