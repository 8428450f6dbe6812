import type { WriteLease } from '@budao/model'

/** How long a site that was taken away stays away though the data goes on waiting for it: doubled with each time, milliseconds. */
const barredMs = { first: 10_000, longest: 300_000 }

interface Bar {
  readonly until: number
  readonly ms: number
}

/**
 * Whom the holder names as in sync. It adds a site once its data waits for it, and takes one away by storing that first: the
 * data learns from the next question that it may stop waiting. A site that somebody else took away, because it is down,
 * comes back once the data has stopped naming it, and names it again; or after a while, for what is down may be its other processes alone,
 * or nothing: then the data never stops, and what it names is true at any time.
 */
export class InSyncSites {
  #epoch = 0
  #stored: readonly string[] = []
  #sent: readonly string[] = []
  readonly #bars: Map<string, Bar> = new Map()

  /** What the store has. */
  seen({ epoch, inSync }: WriteLease, now: number): void {
    if (epoch !== this.#epoch) this.#bars.clear()
    else
      for (const site of this.#stored)
        if (!inSync.includes(site) && this.#sent.includes(site)) {
          const ms = Math.min((this.#bars.get(site)?.ms ?? barredMs.first / 2) * 2, barredMs.longest)
          this.#bars.set(site, { until: now + ms, ms })
        }
    this.#epoch = epoch
    this.#stored = inSync
    this.#sent = inSync
  }

  /** What the next renewal stores, given whom the data waits for. */
  next({ epoch }: WriteLease, waitedFor: readonly string[], own: string, now: number): readonly string[] {
    if (epoch !== this.#epoch) return []
    for (const site of this.#bars.keys()) if (!waitedFor.includes(site)) this.#bars.delete(site)
    this.#sent = waitedFor.filter((site) => site !== own && now >= (this.#bars.get(site)?.until ?? -Infinity))
    return this.#sent
  }
}
