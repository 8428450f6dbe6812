import type { WriteLease } from '@budao/model'

/**
 * Whom the holder names as in sync. It adds a site once its data waits for it, and takes one away by storing that first: the
 * data learns from the next question that it may stop waiting. A site that somebody else took away, because it is down,
 * comes back only after the data has stopped naming it once.
 */
export class InSyncSites {
  #epoch = 0
  #stored: readonly string[] = []
  #sent: readonly string[] = []
  readonly #barred: Set<string> = new Set()

  /** What the store has. */
  seen({ epoch, inSync }: WriteLease): void {
    if (epoch !== this.#epoch) this.#barred.clear()
    else
      for (const site of this.#stored)
        if (!inSync.includes(site) && this.#sent.includes(site)) this.#barred.add(site)
    this.#epoch = epoch
    this.#stored = inSync
    this.#sent = inSync
  }

  /** What the next renewal stores, given whom the data waits for. */
  next({ epoch }: WriteLease, waitedFor: readonly string[], own: string): readonly string[] {
    if (epoch !== this.#epoch) return []
    for (const site of this.#barred) if (!waitedFor.includes(site)) this.#barred.delete(site)
    this.#sent = waitedFor.filter((site) => site !== own && !this.#barred.has(site))
    return this.#sent
  }
}
