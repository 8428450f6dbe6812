import type { ServiceAtSite, SiteStates, SiteVerdict } from '@budao/model'
import type { SiteShare } from '../control/serving-side.ts'

/** Five times as long as words of observers count. */
const JUDGED_MS = 5_000

/**
 * States of the sites in which a quorum's verdicts overrule what one gateway sees: a site that is judged down is down although this
 * gateway reaches it, and one that this gateway alone has lost is not, as long as the quorum calls it up. What nobody has judged
 * is as the gateway sees it, and so is what a person drains; so is everything once verdicts have not been renewed for 5 s.
 */
export class JudgedSites implements SiteStates {
  readonly #seen: SiteStates
  readonly #now: () => number
  readonly #listeners: Set<() => void> = new Set()
  #shares: ReadonlyMap<string, number> = new Map()
  #verdicts: ReadonlyMap<string, SiteVerdict['state']> = new Map()
  #judgedAt = -Infinity

  /** @param now monotonic milliseconds */
  constructor(seen: SiteStates, now: () => number) {
    this.#seen = seen
    this.#now = now
  }

  of(service: string, site: string): ServiceAtSite {
    const seen = this.#seen.of(service, site)
    if (seen.state === 'draining') return seen
    // A controller that has died must not rule from its grave.
    if (this.#now() - this.#judgedAt > JUDGED_MS) return seen
    const keptPercent = this.#shares.get(`${service} ${site}`)
    const judged = this.#judged(seen, service, site)
    return keptPercent === undefined ? judged : { ...judged, keptPercent }
  }

  #judged(seen: ServiceAtSite, service: string, site: string): ServiceAtSite {
    switch (this.#verdicts.get(`${service} ${site}`)) {
      case 'down':
        return { ...seen, state: 'down', usable: 0 }
      case 'up':
        return seen.state === 'down' ? { ...seen, state: 'serving', usable: seen.total, suspect: true } : seen
      case 'degraded':
        return seen.state === 'serving' ? { ...seen, state: 'degraded', suspect: true } : seen
      case 'suspect':
      case 'advise':
        return { ...seen, suspect: true }
      case 'unknown':
      case undefined:
        return seen
    }
  }

  /** The verdicts of now, in place of those before, and what slow sites keep of their weight. */
  judge(verdicts: readonly SiteVerdict[], shares: readonly SiteShare[] = []): void {
    this.#shares = new Map(
      shares.map(({ service, site, keptPercent }) => [`${service} ${site}`, keptPercent]),
    )
    this.#verdicts = new Map(verdicts.map(({ service, site, state }) => [`${service} ${site}`, state]))
    this.#judgedAt = this.#now()
    for (const listener of this.#listeners) listener()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    const stop = this.#seen.subscribe(listener)
    return () => {
      this.#listeners.delete(listener)
      stop()
    }
  }
}
