import { type HistoryOp, pairs } from './history.ts'

/** Transfers move money between accounts: every read of all accounts adds up to `total`. Says which do not. */
export function checkBank(ops: readonly HistoryOp[], total: number): string[] {
  return pairs(ops)
    .filter(({ f, type }) => f === 'read' && type === 'ok')
    .flatMap(({ ended }) => {
      const balances = ended!.value as Readonly<Record<string, number>>
      const sum = Object.values(balances).reduce((a, b) => a + b, 0)
      return sum === total
        ? []
        : [`read ${ended!.index}: expected a total of ${total}, found ${sum}: ${JSON.stringify(balances)}`]
    })
}

/** A value that only rises, such as the number of a row's version, never falls for a process that reads it. */
export function checkMonotonicReads(ops: readonly HistoryOp[]): string[] {
  const last = new Map<string, number>()
  const wrong: string[] = []
  for (const { process, f, type, ended } of pairs(ops)) {
    if (f !== 'read' || type !== 'ok') continue
    const [key, value] = ended!.value as [string, number]
    const name = `${process} ${key}`
    const before = last.get(name) ?? Number.NEGATIVE_INFINITY
    if (value < before)
      wrong.push(`read ${ended!.index}: process ${process} saw ${key} at ${value} after ${before}`)
    last.set(name, Math.max(before, value))
  }
  return wrong
}

/** Sites that should hold the same: says which rows differ, at most `most` of them. */
export function checkConvergence(
  sites: Readonly<Record<string, ReadonlyMap<string, string>>>,
  most: number = 10,
): string[] {
  const [[firstName, first] = ['', new Map<string, string>()], ...others] = Object.entries(sites)
  const wrong: string[] = []
  for (const [name, rows] of others) {
    for (const key of new Set([...first.keys(), ...rows.keys()])) {
      if (first.get(key) === rows.get(key) || wrong.length >= most) continue
      wrong.push(
        `${key}: ${firstName} has ${first.get(key) ?? 'none'}, ${name} has ${rows.get(key) ?? 'none'}`,
      )
    }
  }
  return wrong
}
