import { type HistoryOp, pairs } from './history.ts'

/** What became of every element that was added. */
export interface SetResult {
  readonly acknowledged: number
  /** Acknowledged, and not in the last read. */
  readonly lost: readonly unknown[]
  /** In the last read, and never added, or the add surely failed. */
  readonly unexpected: readonly unknown[]
  /** More than once in the last read. */
  readonly duplicated: readonly unknown[]
  /** Seen by a read, and missing in a later one by the same process. */
  readonly vanished: readonly unknown[]
}

/** Jepsen's set-full: `add` of elements and `read` of all of them; the last read decides what was lost. */
export function checkSet(ops: readonly HistoryOp[]): SetResult {
  const all = pairs(ops)
  const key = (value: unknown): string => JSON.stringify(value)
  const adds = all.filter(({ f }) => f === 'add')
  const reads = all.filter(({ f, type }) => f === 'read' && type === 'ok')
  const last = (reads.at(-1)?.ended!.value ?? []) as readonly unknown[]
  const present = new Set(last.map(key))
  const possible = new Set(adds.filter(({ type }) => type !== 'fail').map(({ begun }) => key(begun.value)))
  const acknowledged = adds.filter(({ type }) => type === 'ok').map(({ begun }) => begun.value)
  const seen = new Map<string, number>()
  for (const value of last) seen.set(key(value), (seen.get(key(value)) ?? 0) + 1)
  const vanished = new Set<string>()
  const before = new Map<number, Set<string>>()
  for (const { process, ended } of reads) {
    const now = new Set((ended!.value as readonly unknown[]).map(key))
    for (const element of before.get(process) ?? []) if (!now.has(element)) vanished.add(element)
    before.set(process, now)
  }
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((value) => !present.has(key(value))),
    unexpected: last.filter((value) => !possible.has(key(value))),
    duplicated: [...seen].filter(([, count]) => count > 1).map(([element]) => JSON.parse(element) as unknown),
    vanished: [...vanished].map((element) => JSON.parse(element) as unknown),
  }
}
