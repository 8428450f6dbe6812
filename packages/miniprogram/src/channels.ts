import type { Channel } from './channel.ts'
import type { Failure } from './failure.ts'

/** When a channel is left, and when the client goes back to it. */
export interface FailoverOptions {
  /**
   * Failures in a row that leave a channel; one after which nothing was sent leaves at once, and an answer that is none of
   * the API's counts as four. Default 7: from the first on calls go elsewhere while it is probed. */
  readonly failuresMax: number
  /** Time between two probes of the first channel while another is in use. Default 10 s. */
  readonly probeIntervalMs: number
  /** Good probes in a row that bring the client back. Default 3. */
  readonly probesGood: number
  /** Earliest return; doubled with each time a channel is left again soon after, up to 10 min. Default 30 s. */
  readonly holdMs: number
}

export const failoverDefaults: FailoverOptions = {
  failuresMax: 7,
  probeIntervalMs: 10_000,
  probesGood: 3,
  holdMs: 30_000,
}

const HOLD_MAX_MS = 600_000
/** Between two probes of a channel under suspicion. */
const SUSPECT_PROBE_MS = 1_000
/** A lost attempt may be the phone's own network; a page of a proxy is not. */
const WRONG_WEIGHT = 4

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
   * The channel for the next attempt: the active one, else the next usable one in order; one that is suspect comes behind one
   * that is not. `tried` are those that failed this call: they come last. Null when every breaker is open.
   */
  choose(now: number, tried: readonly Channel[]): Channel | null {
    const at = this.all.indexOf(this.active)
    const inOrder = [...this.all.slice(at), ...this.all.slice(0, at)]
    const usable = inOrder.filter(({ breaker }) => breaker.usable(now))
    const fresh = usable.filter((channel) => !tried.includes(channel))
    return [...fresh.filter(({ suspect }) => !suspect), ...fresh, ...usable, null][0]!
  }

  /** An attempt is over: `failed` is undefined where its answer speaks for the channel. */
  onEnd(channel: Channel, permit: number, failed: Failure | undefined, now: number): void {
    const blames = failed?.blames
    channel.breaker.record(permit, blames ? 'bad' : failed === undefined ? 'good' : 'nothing', now)
    if (failed === undefined) clear(channel)
    else if (blames)
      this.#blame(
        channel,
        failed.kind === 'not-sent' ? Infinity : failed.kind === 'wrong' ? WRONG_WEIGHT : 1,
        now,
      )
  }

  /**
   * The channel to probe now: the one in use while it is suspect and another works, else the first while another is in
   * use; null when it is not time. Where nothing works, calls themselves find out, and nobody asks more.
   */
  dueProbe(now: number): Channel | null {
    const { active } = this
    if (this.all.every(({ suspect }) => suspect)) return null
    const doubted = active.suspect
    const ms = now - this.#probedAt
    if (doubted ? ms < SUSPECT_PROBE_MS : active === this.all[0] || ms < this.#options.probeIntervalMs)
      return null
    this.#probedAt = now
    return doubted ? active : this.all[0]!
  }

  onProbe(channel: Channel, good: boolean, now: number): void {
    // It is there. Whether it works, the next call says.
    if (good) channel.suspect = false
    else this.#blame(channel, 1, now)
    if (channel !== this.all[0] || channel === this.active) return
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

  #blame(channel: Channel, weight: number, now: number): void {
    channel.suspect = true
    channel.failures += weight
    if (channel === this.active && channel.failures >= this.#options.failuresMax) this.#leave(now)
  }

  #prefer(channel: Channel): void {
    clear(channel)
    this.active = channel
    this.#good = 0
  }

  #leave(now: number): void {
    // To one that is suspect itself nobody is driven.
    const next = this.choose(now, [])
    if (next === null || next.suspect) return
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
}

function clear(channel: Channel): void {
  channel.failures = 0
  channel.suspect = false
}
