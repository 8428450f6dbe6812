import { stickyChoice } from '../sticky-choice.ts'

/** How sites are chosen among those that stand best. */
export type SitePolicy = 'failover' | 'nearest' | 'weighted' | 'all-active'

/** Answer with all of them. */
export const allSites = -1

/** Among whom is chosen. Sites are indexes, in the order in which they are preferred. */
export interface SiteCandidates {
  /** Never empty. */
  readonly sites: readonly number[]
  /** By site; 0 for those that are none of `sites`. */
  readonly weights: readonly number[]
  /** By site, all different: what each is, for `stickyChoice`. */
  readonly seeds: readonly number[]
}

/** For whom. */
export interface SiteClient {
  /** How near each site is, by site: more is nearer. */
  readonly nearness: readonly number[]
  /** The same number for as long as the client shall keep its site. */
  readonly key: number
}

/**
 * The site of one answer, or `allSites`. Chance is in `key`: the same key gets the same site as long as that stands, and when another one
 * leaves or comes only those move that must.
 */
export function chooseSite(policy: SitePolicy, candidates: SiteCandidates, client: SiteClient): number {
  const { sites } = candidates
  if (sites.length === 1) return sites[0]!
  switch (policy) {
    case 'all-active':
      return allSites
    case 'failover':
      return sites[0]!
    case 'weighted':
      return byWeight(sites, candidates, client.key)
    case 'nearest':
      return byWeight(nearestOf(sites, client.nearness), candidates, client.key)
  }
}

function nearestOf(sites: readonly number[], nearness: readonly number[]): readonly number[] {
  let best = -Infinity
  for (const site of sites) best = Math.max(best, nearness[site]!)
  return sites.filter((site) => nearness[site] === best)
}

/** Sites without weight get only what nobody else can take. */
function byWeight(sites: readonly number[], { weights, seeds }: SiteCandidates, key: number): number {
  if (sites.length === 1) return sites[0]!
  const chosen = stickyChoice(
    sites.map((site) => weights[site]!),
    sites.map((site) => seeds[site]!),
    key,
  )
  return sites[Math.max(0, chosen)]!
}
