/** Nobody else may have it: the node that owns the address. Scripts do not change it. */
export const ownerPriority = 255

/** What a node that does not own the address may come to, whatever its scripts add or take away. */
export const priorityRange: { readonly min: 1; readonly max: 254 } = { min: 1, max: 254 }

/** Something whose state counts: a script, a file, an interface. */
export interface Tracked {
  /**
   * 0         its failure puts the node out of the election (fault)
   * above 0   added while it is well
   * below 0   taken away while it fails
   */
  readonly weight: number
  /** The sign of what is added is turned round; with weight 0 being well is the fault. Default false. */
  readonly reverse?: boolean
}

/** A tracked thing and whether it is well. */
export interface Observed {
  readonly tracked: Tracked
  readonly well: boolean
}

/**
 * The priority a node announces, or `fault` where it takes no part. Everything tracked is added up first and the sum is
 * brought into range then: two scripts of +100 on 200 are 254, and one of them may fail unnoticed.
 */
export function effectivePriority(base: number, observed: readonly Observed[]): number | 'fault' {
  if (observed.some(isFault)) return 'fault'
  if (base === ownerPriority) return base
  const sum = observed.reduce((priority, each) => priority + contribution(each), base)
  return Math.min(priorityRange.max, Math.max(priorityRange.min, sum))
}

/** What one tracked thing adds, before the range. */
export function contribution({ tracked: { weight, reverse = false }, well }: Observed): number {
  const counts = well ? weight > 0 : weight < 0
  return counts ? (reverse ? -weight : weight) : 0
}

function isFault({ tracked: { weight, reverse = false }, well }: Observed): boolean {
  return weight === 0 && well === reverse
}
