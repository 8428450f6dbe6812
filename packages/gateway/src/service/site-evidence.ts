import { isWatched, type ServiceConfig } from '@budao/model'
import { LatencyHistogram, type Cells } from '@budao/resilience'
import { siteRowsMax } from '../ownership/unit-memory.ts'

/** How a real request at an endpoint ended, as far as it speaks for or against its site. */
export type TrafficWord = 'served' | 'connect-failed' | 'timed-out'

const words: readonly TrafficWord[] = ['served', 'connect-failed', 'timed-out']

/** Nine of ten requests: a site of which one in a hundred takes long need not lose its traffic. */
const paceShare = 0.9
/** Of fewer requests nothing is said: two of these are slow before the quantile is. */
const paceRequestsMin = 20

/** What became of real requests at one site of a service since somebody last asked. */
export interface SiteTrafficCount {
  readonly service: string
  readonly site: string
  readonly served: number
  readonly connectFailed: number
  readonly timedOut: number
}

/** How fast one site has answered real requests since somebody last asked. */
export interface SitePaceCount {
  readonly service: string
  readonly site: string
  readonly requests: number
  /** Nine of ten had the head of their answer within it, milliseconds. */
  readonly ms: number
}

/** What a thread lends it. */
export interface SiteEvidenceContext {
  readonly sites: readonly { readonly name: string }[]
  cells(name: string): Cells
  siteRow(site: string): number
}

/** What real requests say of the sites of one service: what observers go by, so only services that are watched have it. */
export class SiteEvidence {
  readonly #service: string
  readonly #counts: Cells
  readonly #paces: ReadonlyMap<string, LatencyHistogram>
  readonly #rowOf: (site: string) => number

  constructor(service: string, context: SiteEvidenceContext) {
    this.#service = service
    this.#counts = context.cells(countCellName(service))
    this.#rowOf = (site) => context.siteRow(site)
    this.#paces = new Map(
      context.sites.map(({ name }) => [
        name,
        new LatencyHistogram(context.cells(paceCellName(service, name))),
      ]),
    )
  }

  count(site: string, word: TrafficWord): void {
    const row = this.#rowOf(site)
    if (row !== -1) this.#counts.add(row * words.length + words.indexOf(word), 1)
  }

  /** Where times to the heads of answers from a site go; null for a site that is not configured. */
  pace(site: string): LatencyHistogram | null {
    return this.#paces.get(site) ?? null
  }

  /** Reads and clears the counts of sites that have any. */
  takeCounts(): SiteTrafficCount[] {
    const counts: SiteTrafficCount[] = []
    for (const site of this.#paces.keys()) {
      const row = this.#rowOf(site)
      if (row === -1) continue
      const served = this.#take(row, 'served')
      const connectFailed = this.#take(row, 'connect-failed')
      const timedOut = this.#take(row, 'timed-out')
      if (served + connectFailed + timedOut > 0)
        counts.push({ service: this.#service, site, served, connectFailed, timedOut })
    }
    return counts
  }

  /** Reads and clears the paces of sites that had requests enough; what is too little waits for more, unless `all` goes. */
  takePaces(all: boolean): SitePaceCount[] {
    const paces: SitePaceCount[] = []
    for (const [site, histogram] of this.#paces) {
      const requests = histogram.count
      const enough = requests >= paceRequestsMin
      if (enough) paces.push({ service: this.#service, site, requests, ms: histogram.quantileMs(paceShare) })
      if (enough || (all && requests > 0)) histogram.clear()
    }
    return paces
  }

  #take(row: number, word: TrafficWord): number {
    const cell = row * words.length + words.indexOf(word)
    const count = this.#counts.load(cell)
    if (count !== 0) this.#counts.add(cell, -count)
    return count
  }
}

/** How much shared memory it takes, by name. */
export function siteEvidenceCells(
  service: string,
  config: ServiceConfig,
  sites: readonly string[],
): Map<string, number> {
  const cells = new Map<string, number>()
  if (!isWatched(config)) return cells
  cells.set(countCellName(service), siteRowsMax * words.length)
  for (const site of sites) cells.set(paceCellName(service, site), LatencyHistogram.cellsFor())
  return cells
}

function countCellName(service: string): string {
  return `service/${service}/site-traffic`
}

function paceCellName(service: string, site: string): string {
  return `service/${service}/site/${site}/pace`
}
