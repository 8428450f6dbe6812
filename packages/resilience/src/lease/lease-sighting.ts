import type { LeaseTerms } from './held-lease.ts'

/**
 * When somebody who is not the holder first saw the last renewal of a lease, by a monotonic clock of their own. Clocks
 * are never compared: a renewal was surely made before it was seen.
 */
export interface LeaseSighting {
  readonly epoch: number
  readonly renewal: number
  readonly at: number
}

/** What seeing the record once more makes of it: only a renewal not seen before counts. */
export function sightLease(
  before: LeaseSighting | null,
  { epoch, renewal }: Pick<LeaseSighting, 'epoch' | 'renewal'>,
  now: number,
): LeaseSighting {
  return before?.epoch === epoch && before.renewal === renewal ? before : { epoch, renewal, at: now }
}

/**
 * From when on the holder has surely stopped, given that nobody can renew any more: its time, stretched by what two
 * clocks may run apart, and the guard on this side.
 */
export function surelyEndedAt(
  { at }: LeaseSighting,
  { ttlMs, guardMs }: LeaseTerms,
  driftMax = 1e-3,
): number {
  return Math.ceil(at + ttlMs * (1 + driftMax) + guardMs)
}
