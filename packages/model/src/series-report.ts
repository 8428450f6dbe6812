/** The last minutes of each site as one gateway saw them: what the admin API answers. */
export interface SeriesReport {
  /** Between two points, milliseconds. */
  readonly stepMs: number
  /** When the newest point was taken, milliseconds since 1970. */
  readonly at: number
  readonly sites: readonly SiteSeriesReport[]
}

/** One number a point, the newest last; null: not known then. All lists are equally long. */
export interface SiteSeriesReport {
  readonly name: string
  readonly requestsPerSecond: readonly (number | null)[]
  readonly failuresPerSecond: readonly (number | null)[]
  /** Of the site's slowest endpoint. */
  readonly p99Ms: readonly (number | null)[]
}
