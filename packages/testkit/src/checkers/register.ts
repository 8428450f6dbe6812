import { type HistoryOp, type Pair, pairs } from './history.ts'

/** So many states of a key are looked at before the checker gives up on it. */
const statesMax = 200_000

/**
 * Whether reads and writes of each key can be put in one order that all processes agree with, each at one moment between
 * its begin and its end (Wing and Gong, 1993, with Lowe's memory of states). Values are `[key, value]`; a write of which nobody
 * knows may have happened at any time after its begin, or never. Says which keys cannot.
 */
export function checkRegisters(ops: readonly HistoryOp[]): string[] {
  const byKey = new Map<string, Pair[]>()
  for (const pair of pairs(ops)) {
    if (pair.type === 'fail' || (pair.f === 'read' && pair.type !== 'ok')) continue
    if (pair.f !== 'read' && pair.f !== 'write') continue
    const [key] = pair.begun.value as [string, unknown]
    byKey.set(key, [...(byKey.get(key) ?? []), pair])
  }
  return [...byKey].flatMap(([key, ofKey]) => {
    const verdict = linearizable(ofKey)
    return verdict === 'yes'
      ? []
      : [verdict === 'no' ? `key ${key}: no order explains its reads` : `key ${key}: too many orders`]
  })
}

function linearizable(all: readonly Pair[]): 'yes' | 'no' | 'gave-up' {
  const ops = all.toSorted((a, b) => a.begun.index - b.begun.index)
  const endOf = ops.map(({ ended }) => ended?.index ?? Number.POSITIVE_INFINITY)
  const valueOf = (op: Pair): string =>
    JSON.stringify(((op.f === 'read' ? op.ended! : op.begun).value as [string, unknown])[1] ?? null)
  const values = ops.map(valueOf)
  const seen = new Set<string>()
  const done = ops.map(() => false)
  const visit = (value: string): boolean | null => {
    // What nobody knows may also never happen.
    if (ops.every((op, i) => done[i] || op.type === 'info')) return true
    const state = `${done.map(Number).join('')} ${value}`
    if (seen.has(state)) return false
    if (seen.size >= statesMax) return null
    seen.add(state)
    const firstEnd = Math.min(...endOf.filter((_, i) => !done[i]))
    for (const [i, op] of ops.entries()) {
      if (done[i] || op.begun.index > firstEnd) continue
      if (op.f === 'read' && values[i] !== value) continue
      done[i] = true
      const found = visit(op.f === 'write' ? values[i]! : value)
      done[i] = false
      if (found !== false) return found
    }
    return false
  }
  const found = visit('null')
  return found === null ? 'gave-up' : found ? 'yes' : 'no'
}
