/** Of measured times, by the nearest rank: every figure is one that was measured. */
export interface Distribution {
  readonly n: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Null of no values. */
export function distributionOf(values: readonly number[]): Distribution | null {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
  if (sorted.length === 0) return null
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1)! }
}

export function distributionText(distribution: Distribution | null): string {
  if (distribution === null) return '–'
  const { p50, p90, p99, max } = distribution
  return [p50, p90, p99, max].map((ms) => Math.round(ms)).join(' / ')
}
