import type { GslbWithdrawn } from '@budao/model'

/**
 * What still comes to a site after it has left the answers: those who keep old ones. Compared with what came when it left,
 * at this gateway.
 */
export class Withdrawal {
  #since: number | null = null
  #before = 0

  /** Call whenever something may have changed. */
  observe(isOut: boolean, requestsPerSecond: number, now: number): void {
    if (!isOut) this.#since = null
    else if (this.#since === null) {
      this.#since = now
      this.#before = requestsPerSecond
    }
  }

  report(site: string, requestsPerSecond: number, now: number): GslbWithdrawn | null {
    if (this.#since === null) return null
    return {
      site,
      sinceMs: Math.round(now - this.#since),
      requestsPerSecond,
      share: this.#before === 0 ? null : requestsPerSecond / this.#before,
    }
  }
}
