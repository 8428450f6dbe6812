/** What is left of a channel’s limit for whoever else writes there: a fifth. */
const share = 0.8

/**
 * How many messages a channel may still be sent: at most 80 % of its limit in any span of its length, whenever that begins. A
 * bucket that refills would let nearly twice as many through in one span, and some channels answer that with silence for minutes.
 */
export class SendBudget {
  readonly #most: number
  readonly #perMs: number
  /** When the newest were sent, oldest first. */
  #sentAt: number[]
  #heldUntil = -Infinity

  constructor(
    limit: { readonly messages: number; readonly perMs: number } | null,
    sentAt: readonly number[] = [],
  ) {
    this.#most = limit === null ? Infinity : Math.max(1, Math.floor(limit.messages * share))
    this.#perMs = limit?.perMs ?? 0
    this.#sentAt = [...sentAt]
  }

  get sentAt(): readonly number[] {
    return this.#sentAt
  }

  /** How many may go now. */
  left(now: number): number {
    if (now < this.#heldUntil) return 0
    if (this.#most === Infinity) return Infinity
    this.#sentAt = this.#sentAt.filter((at) => now - at < this.#perMs)
    return Math.max(0, this.#most - this.#sentAt.length)
  }

  /** When the next may go. */
  nextAt(now: number): number {
    if (this.left(now) > 0) return now
    const free =
      this.#sentAt.length < this.#most ? now : this.#sentAt[this.#sentAt.length - this.#most]! + this.#perMs
    return Math.max(free, this.#heldUntil)
  }

  sent(now: number): void {
    if (this.#most !== Infinity) this.#sentAt.push(now)
  }

  /** The channel wants nothing until then. */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until)
  }
}
