/**
 * What a drill makes of a release.
 *
 * errors    of ten requests three fail
 * slow      of ten answers six are late
 * crashing  it is away for three of every four seconds
 * subtle    of a hundred requests six fail
 */
export const releaseFaultKinds = ['errors', 'slow', 'crashing', 'subtle'] as const

/** One of `releaseFaultKinds`. */
export type ReleaseFaultKind = (typeof releaseFaultKinds)[number]

/** How late an answer of a slow release is, milliseconds. */
export const faultLateMs = 500

const errorsShare = 0.3
const subtleShare = 0.06
const slowShare = 0.6
const roundMs = 4_000
const awayMs = 3_000

/** What a request at the release meets. `chance` is from 0 to 1; the release has been so since `sinceMs`. */
export function meetFault(
  kind: ReleaseFaultKind,
  chance: number,
  sinceMs: number,
): 'well' | 'fails' | 'late' {
  switch (kind) {
    case 'errors':
      return chance < errorsShare ? 'fails' : 'well'
    case 'slow':
      return chance < slowShare ? 'late' : 'well'
    case 'crashing':
      return sinceMs % roundMs < awayMs ? 'fails' : 'well'
    case 'subtle':
      return chance < subtleShare ? 'fails' : 'well'
  }
}
