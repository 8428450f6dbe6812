import type { Channel } from './channel.ts'
import type { Failure } from './failure.ts'

/** When a channel is left, and when the client goes back to it. */
export interface FailoverOptions {
  /** Failures in a row that leave a channel where the request may have been sent; one that provably was not sent leaves at once. Default 2. */
  readonly failuresMax: number
  /** Time between two probes of the first channel while another is in use. Default 10 s. */
  readonly probeIntervalMs: number
  /** Good probes in a row that bring the client back. Default 3. */
  readonly probesGood: number
  /** Earliest return; doubled with each time a channel is left again soon after, up to 10 min. Default 30 s. */
  readonly holdMs: number
}

export const failoverDefaults: FailoverOptions = {
  failuresMax: 2,
  probeIntervalMs: 10_000,
  probesGood: 3,
  holdMs: 30_000,
}

const HOLD_MAX_MS = 600_000

/** Which channel calls go to: the first of the list while it works, then one that does, and back when it has proved itself. */
export class Channels {
  /** In order of preference. */
  all: readonly Channel[]
  active: Channel
  /** Times that the first channel was left. */
  left = 0
  readonly #options: FailoverOptions
  #leftAt = -Infinity
  #returnedAt = -Infinity
  #holdMs: number
  #good = 0
  #probedAt = -Infinity

  constructor(all: readonly Channel[], options: FailoverOptions) {
    this.all = all
    this.active = all[0]!
    this.#options = options
    this.#holdMs = options.holdMs
  }

  /**
   * The channel for the next attempt: the active one, else the next usable one in order. `tried` are those that failed this
   * call: they come last. Null when every breaker is open.
   */
  choose(now: number, tried: readonly Channel[]): Channel | null {
    const usable = this.#fromActive().filter(({ breaker }) => breaker.usable(now))
    return usable.find((channel) => !tried.includes(channel)) ?? usable[0] ?? null
  }

  /** An attempt is over: `failed` is undefined where its answer speaks for the channel. */
  onEnd(channel: Channel, permit: number, failed: Failure | undefined, now: number): void {
    const blames = failed?.blames === true
    channel.breaker.record(permit, blames ? 'bad' : failed === undefined ? 'good' : 'nothing', now)
    if (failed === undefined) channel.failures = 0
    if (!blames) return
    channel.failures++
    const enough = failed.kind === 'not-sent' || channel.failures >= this.#options.failuresMax
    if (channel === this.active && enough) this.#leave(now)
  }

  /** The channel to probe now: the first, while another is in use; null when it is not time. */
  dueProbe(now: number): Channel | null {
    const first = this.all[0]!
    if (this.active === first || now - this.#probedAt < this.#options.probeIntervalMs) return null
    this.#probedAt = now
    return first
  }

  onProbe(channel: Channel, good: boolean, now: number): void {
    if (channel !== this.all[0] || this.active === channel) return
    this.#good = good ? this.#good + 1 : 0
    if (this.#good < this.#options.probesGood || now - this.#leftAt < this.#holdMs) return
    this.#returnedAt = now
    this.#prefer(channel)
  }

  /** Base URLs in a new order; unknown ones mean nothing, and channels not named stay behind those that are. */
  reorder(baseUrls: readonly string[], now: number): void {
    const named = baseUrls
      .map((url) => this.all.find(({ baseUrl }) => baseUrl === url.replace(/\/+$/, '')))
      .filter((channel, i, list): channel is Channel => channel !== undefined && list.indexOf(channel) === i)
    this.all = [...named, ...this.all.filter((channel) => !named.includes(channel))]
    const first = this.all[0]!
    // One that has just failed has to prove itself first, as after a failover.
    if (first.failures === 0 && first.breaker.usable(now)) this.#prefer(first)
  }

  #prefer(channel: Channel): void {
    channel.failures = 0
    this.active = channel
    this.#good = 0
  }

  #leave(now: number): void {
    const next = this.#fromActive()
      .slice(1)
      .find(({ breaker }) => breaker.usable(now))
    if (next === undefined) return
    if (this.active === this.all[0]) {
      // Left again soon after the return: the next return takes longer, so that a flapping domain does not drag users along.
      const soon = now - this.#returnedAt < this.#holdMs
      this.#holdMs = soon ? Math.min(this.#holdMs * 2, HOLD_MAX_MS) : this.#options.holdMs
      this.#leftAt = this.#probedAt = now
      this.#good = 0
      this.left++
    }
    this.active = next
  }

  #fromActive(): Channel[] {
    const at = this.all.indexOf(this.active)
    return [...this.all.slice(at), ...this.all.slice(0, at)]
  }
}
