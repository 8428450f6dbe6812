import type { GatewayReport, SeriesReport, SiteSeriesReport } from '@budao/model'

/** As long as the window that the rates of a report are averages of. */
export const seriesStepMs = 5_000
/** A quarter of an hour: who opens the console sees how it came to this. */
const pointsMax = 180

type Point = readonly [requestsPerSecond: number, failuresPerSecond: number, p99Ms: number | null]

/** Keeps the newest numbers of each site in memory: some 40 bytes a site and point. */
export class SiteSeries {
  /** Oldest first; null where nothing was taken when it should have been. */
  readonly #points: (ReadonlyMap<string, Point> | null)[] = []
  #at = 0

  /** Takes the numbers of now. `at`: milliseconds since 1970. */
  add(report: Pick<GatewayReport, 'sites' | 'services'>, at: number): void {
    const steps = this.#points.length === 0 ? 1 : Math.round((at - this.#at) / seriesStepMs)
    // A machine that slept took nothing meanwhile; a clock that was set back begins anew.
    if (steps < 0 || steps > pointsMax) this.#points.length = 0
    for (let missed = 1; missed < Math.min(steps, pointsMax); missed++) this.#points.push(null)
    this.#points.push(new Map(report.sites.map((site) => [site.name, pointOf(site, report.services)])))
    this.#points.splice(0, this.#points.length - pointsMax)
    this.#at = at
  }

  /** What is kept, for sites that the newest report names. */
  report(): SeriesReport {
    const names = [...(this.#points.at(-1)?.keys() ?? [])]
    return { stepMs: seriesStepMs, at: this.#at, sites: names.map((name) => this.#site(name)) }
  }

  #site(name: string): SiteSeriesReport {
    const points = this.#points.map((point) => point?.get(name))
    return {
      name,
      requestsPerSecond: points.map((point) => point?.[0] ?? null),
      failuresPerSecond: points.map((point) => point?.[1] ?? null),
      p99Ms: points.map((point) => point?.[2] ?? null),
    }
  }
}

function pointOf(
  { name, requestsPerSecond, failuresPerSecond }: GatewayReport['sites'][number],
  services: GatewayReport['services'],
): Point {
  let slowest: number | null = null
  for (const { endpoints } of services)
    for (const { site, p99Ms } of endpoints)
      if (site === name && p99Ms !== null && p99Ms > (slowest ?? -1)) slowest = p99Ms
  return [requestsPerSecond, failuresPerSecond, slowest]
}
