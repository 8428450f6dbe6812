import type { Cells } from '@budao/resilience'

/** How a real request at an endpoint ended, as far as it speaks for or against its site. */
export type TrafficWord = 'served' | 'connect-failed' | 'timed-out'

const words: readonly TrafficWord[] = ['served', 'connect-failed', 'timed-out']

/** What became of real requests at one site of a service since somebody last asked. */
export interface SiteTrafficCount {
  readonly service: string
  readonly site: string
  readonly served: number
  readonly connectFailed: number
  readonly timedOut: number
}

/** Counts of one service by site: what observers go by, so only services with `failover` have them. Rows are sites. */
export class SiteTraffic {
  static cellsFor(sites: number): number {
    return sites * words.length
  }

  readonly #cells: Cells

  constructor(cells: Cells) {
    this.#cells = cells
  }

  count(site: number, word: TrafficWord): void {
    this.#cells.add(site * words.length + words.indexOf(word), 1)
  }

  /** Reads and clears one count. */
  take(site: number, word: TrafficWord): number {
    const cell = site * words.length + words.indexOf(word)
    const count = this.#cells.load(cell)
    if (count !== 0) this.#cells.add(cell, -count)
    return count
  }
}
