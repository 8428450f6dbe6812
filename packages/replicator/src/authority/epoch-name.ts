/**
 * Under which name a database keeps the epoch of a site, or of one unit of what that site writes. An empty `origin`: the
 * epoch in which this site itself writes. Names of sites have no spaces.
 */
export function epochName(origin: string, unit?: string): string {
  return unit === undefined ? origin : `${origin} ${unit}`
}
