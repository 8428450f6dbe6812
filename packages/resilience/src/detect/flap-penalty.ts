const perFlap = 1000
const suppressAt = 2500
const reuseAt = 750
const penaltyMax = 12_000

/**
 * Damping of what goes up and down, as BGP does it with routes (RFC 2439): every fall costs 1000 points, which halve
 * each minute. From 2500 on the place is not used again until they are 750: after three falls in a row, two minutes.
 */
export class FlapPenalty {
  readonly #halfLifeMs: number
  #points = 0
  #at = 0
  #suppressed = false

  constructor(halfLifeMs = 60_000) {
    this.#halfLifeMs = halfLifeMs
  }

  fell(now: number): void {
    this.#points = Math.min(penaltyMax, this.points(now) + perFlap)
    this.#at = now
    if (this.#points >= suppressAt) this.#suppressed = true
  }

  points(now: number): number {
    return this.#points === 0 ? 0 : this.#points * 0.5 ** ((now - this.#at) / this.#halfLifeMs)
  }

  suppressed(now: number): boolean {
    if (this.#suppressed && this.points(now) <= reuseAt) this.#suppressed = false
    return this.#suppressed
  }
}
