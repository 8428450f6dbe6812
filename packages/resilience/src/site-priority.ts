/**
 * How the sites of a service share its requests.
 * - `active-standby`: the first site in the configured order serves, the next takes over what it cannot.
 * - `active-active`: all sites serve, in proportion to their weights.
 * - `multi-active`: the gateway's own site serves, all others together take over what it cannot.
 */
export type SiteMode = 'active-standby' | 'active-active' | 'multi-active'

/** A site and its share against others. */
export interface SiteWeight {
  readonly name: string
  /** Multiplies the weights of the site's endpoints; 0 takes it out. */
  readonly weight: number
}

/** An endpoint’s priority, 0 first, and its weight there. */
export interface PlacedEndpoint {
  /** 0 is the first choice. Without gaps: a site without endpoints takes up no priority. */
  readonly priority: number
  readonly weight: number
}

/** Ranks of sites are far apart, so that the ranks of endpoints lie above all of them. */
const sitesMax = 1_000_000

/**
 * Gives every endpoint its priority and its weight among all of that priority. `sites` are in configured order;
 * a site that is not listed comes after them with weight 1. An endpoint's own rank, 0 by default, counts before its
 * site: the standbys of a place near by come after the regular endpoints of a place far away.
 */
export function placeEndpoints(
  endpoints: readonly { readonly site: string; readonly weight: number; readonly rank?: number }[],
  mode: SiteMode,
  sites: readonly SiteWeight[],
  localSite: string,
): PlacedEndpoint[] {
  const ranks = endpoints.map(
    ({ site, rank = 0 }) => rank * sitesMax + siteRank(site, mode, sites, localSite),
  )
  const used = [...new Set(ranks)].toSorted((a, b) => a - b)
  return endpoints.map(({ site, weight }, i) => ({
    priority: used.indexOf(ranks[i]!),
    weight: weight * (sites.find(({ name }) => name === site)?.weight ?? 1),
  }))
}

function siteRank(site: string, mode: SiteMode, sites: readonly SiteWeight[], localSite: string): number {
  switch (mode) {
    case 'active-standby': {
      const rank = sites.findIndex(({ name }) => name === site)
      return rank < 0 ? sites.length : rank
    }
    case 'active-active':
      return 0
    case 'multi-active':
      return site === localSite ? 0 : 1
  }
}
