import { hash32 } from './hash.ts'

/** All of a route's requests, in basis points. */
export const WHOLE_BP = 10_000

/** A release and its share of the requests. */
export interface ReleaseShare {
  readonly release: string
  /** 0 to 10 000. */
  readonly basisPoints: number
}

/**
 * Where a user stands between 0 and 10 000: always the same for one salt, on every platform, in every process. Another salt
 * shuffles all users.
 */
export function splitPoint(user: string, salt: number): number {
  return (hash32(user, salt) / 0x1_0000_0000) * WHOLE_BP
}

/**
 * The release at a point, null where none has it: what is left is for stable.
 *
 * `rolling` is laid from the end of the line downwards, the others from its beginning upwards in their order. So raising the
 * share of the rolling one brings users to it and moves nobody else, and lowering it takes only those back; the same holds for
 * the last of the others. Where both do not fit, the rolling one goes first.
 */
export function releaseAt(
  point: number,
  shares: readonly ReleaseShare[],
  rolling: ReleaseShare | null,
): string | null {
  if (rolling !== null && point >= WHOLE_BP - rolling.basisPoints) return rolling.release
  let end = 0
  for (let index = 0; index < shares.length; index++) {
    const { release, basisPoints } = shares[index]!
    end += basisPoints
    if (point < end) return release
  }
  return null
}

/** Compares versions such as 3.12.1 part by part as numbers; what is missing counts as 0, a part that is no number as before all. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = partOf(left[index]) - partOf(right[index])
    if (difference !== 0) return difference
  }
  return 0
}

function partOf(text: string | undefined): number {
  if (text === undefined) return 0
  return /^\d{1,9}$/.test(text) ? Number(text) : -1
}
