import type { ReleaseCounters } from './release-counters.ts'

/** One side of a request that another release is shown a copy of. */
export interface Shadow {
  readonly counters: ReleaseCounters
  /** The copy: counted here alone, and for its own release or for nobody. */
  readonly isCopy: boolean
}
