/** What a site knows of itself when it is to write in the next epoch. */
export interface ClaimFacts {
  /** The site that wrote before; null: nobody did, or this one. */
  readonly from: string | null
  /** Another site has had the right to write since this one had it. */
  readonly wasFenced: boolean
  /** Why changes of `from` are missing here for good; empty: none are known to be. */
  readonly missing: string
  /** Writes of this site that the others refused or have not got; null: they have not said so since this process began. */
  readonly diverged: number | null
  /** A person takes it upon them. */
  readonly forced: boolean
}

/**
 * Why a site must not write in the next epoch as it is; null: it may. One that lacks changes for good, or that has rows of an
 * epoch that ended without them, would make its own rows those of everybody.
 */
export function mayClaim({ from, wasFenced, missing, diverged, forced }: ClaimFacts): string | null {
  if (forced) return null
  if (missing !== '') return `changes of ${from} are missing here: ${missing}`
  if (!wasFenced || diverged === 0) return null
  return diverged === null
    ? 'another site has written since, and none says whether it has all that was written here: compare first'
    : `${diverged} writes of an epoch that is over are here and not at the other sites: resolve them first`
}
