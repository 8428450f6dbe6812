import type { Random } from '@budao/resilience'

/** What some rounds showed. No mean: one disturbed round would move it, and hide in it. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** Throws on no values: an empty set has no median. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('expected at least one value, got none')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const median = Number.isInteger(middle)
    ? (sorted[middle - 1]! + sorted[middle]!) / 2
    : sorted[Math.floor(middle)]!
  return { median, min: sorted[0]!, max: sorted.at(-1)!, rounds: sorted.length }
}

/**
 * `a ÷ b` of each round that has both: what drifts with the machine drifts for both sides of a round and
 * cancels out, which it does not in a quotient of two medians.
 */
export function pairedRatios(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number[] {
  return [...a].flatMap(([round, value]) => {
    const other = b.get(round)
    return other === undefined || other === 0 ? [] : [value / other]
  })
}

/** A new order of the same items (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const pick = Math.floor(random.next() * (last + 1))
    const item = result[last]!
    result[last] = result[pick]!
    result[pick] = item
  }
  return result
}
