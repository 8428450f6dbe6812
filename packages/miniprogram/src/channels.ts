import { failure, ignored, success } from '@budao/resilience'
import type { Channel } from './channel.ts'
import type { Failure } from './failure.ts'

/** When a channel is left, and when the client goes back to it. */
export interface FailoverOptions {
  /** Failures in a row that leave a channel where the request may have been sent; one that provably was not sent leaves at once. Default 2. */
  readonly failuresMax: number
  /** Time between two probes of the channels before the one in use. Default 10 s. */
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
  readonly all: readonly Channel[]
  readonly #options: FailoverOptions
  #active = 0
  #leftAt = -Infinity
  #returnedAt = -Infinity
  #holdMs: number
  #good = 0
  #probedAt = -Infinity

  constructor(all: readonly Channel[], options: FailoverOptions) {
    this.all = all
    this.#options = options
    this.#holdMs = options.holdMs
  }

  get active(): Channel {
    return this.all[this.#active]!
  }

  /**
   * The channel for the next attempt: the active one, else the next usable one in order. `tried` are those that failed this
   * call: they come last. Null when every breaker is open.
   */
  choose(now: number, tried: readonly Channel[]): Channel | null {
    let again: Channel | null = null
    for (let i = 0; i < this.all.length; i++) {
      const channel = this.all[(this.#active + i) % this.all.length]!
      if (!channel.usable(now)) continue
      if (!tried.includes(channel)) return channel
      again ??= channel
    }
    return again
  }

  /** A complete answer came; `broken` when it was one of 502, 503, 504 or no answer of the API at all. */
  onAnswer(channel: Channel, permit: number, durationMs: number, broken: boolean, now: number): void {
    channel.record(permit, broken ? failure : success, durationMs, now)
    if (broken) return this.#blame(channel, false, now)
    channel.failures = 0
  }

  onFailure(channel: Channel, permit: number, failed: Failure, durationMs: number, now: number): void {
    channel.record(permit, failed.blames ? failure : ignored, durationMs, now)
    if (failed.blames) this.#blame(channel, failed.kind === 'not-sent', now)
  }

  /** The channel to probe now, of those before the active one; null when it is not time or there is none. */
  dueProbe(now: number): Channel | null {
    if (this.#active === 0 || now - this.#probedAt < this.#options.probeIntervalMs) return null
    this.#probedAt = now
    return this.all[0]!
  }

  onProbe(channel: Channel, good: boolean, now: number): void {
    if (channel !== this.all[0] || this.#active === 0) return
    this.#good = good ? this.#good + 1 : 0
    if (this.#good < this.#options.probesGood || now - this.#leftAt < this.#holdMs) return
    channel.failures = 0
    this.#active = 0
    this.#returnedAt = now
    this.#good = 0
  }

  #blame(channel: Channel, surely: boolean, now: number): void {
    channel.failures++
    if (channel !== this.active || (!surely && channel.failures < this.#options.failuresMax)) return
    const next = this.#nextUsable(now)
    if (next === -1) return
    if (this.#active === 0) {
      // Left again soon after the return: the next return takes longer, so that a flapping domain does not drag users along.
      const soon = now - this.#returnedAt < this.#holdMs
      this.#holdMs = soon ? Math.min(this.#holdMs * 2, HOLD_MAX_MS) : this.#options.holdMs
      this.#leftAt = now
      this.#good = 0
      this.#probedAt = now
    }
    this.#active = next
  }

  #nextUsable(now: number): number {
    for (let i = 1; i < this.all.length; i++) {
      const index = (this.#active + i) % this.all.length
      if (this.all[index]!.usable(now)) return index
    }
    return -1
  }
}
