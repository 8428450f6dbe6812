const samplesMax = 64
/** Least spread assumed, milliseconds: what a loaded event loop makes of an even beat. */
const deviationMinMs = 100

/**
 * The last 64 distances between beats, and how improbable a silence is after them: phi-accrual (Hayashibara et al.,
 * 2004) over a normal distribution. The spread has a floor, so that an even beat does not make a hair-trigger of it,
 * and one late beat in a hundred does not move it much.
 */
export class ArrivalWindow {
  readonly #intendedMs: number
  readonly #samples = new Float64Array(samplesMax)
  #count = 0
  #next = 0
  #sum = 0
  #squares = 0
  #lastAt: number

  constructor(intendedMs: number, now: number) {
    this.#intendedMs = intendedMs
    this.#lastAt = now
  }

  /** When the last beat was answered, or the window began anew. */
  get lastAt(): number {
    return this.#lastAt
  }

  arrived(now: number): void {
    const distance = now - this.#lastAt
    this.#lastAt = now
    const before = this.#count === samplesMax ? this.#samples[this.#next]! : 0
    this.#samples[this.#next] = distance
    this.#next = (this.#next + 1) % samplesMax
    this.#count = Math.min(samplesMax, this.#count + 1)
    this.#sum += distance - before
    this.#squares += distance * distance - before * before
  }

  /** There was another sign of life: the silence begins anew, and no distance is learnt from it. */
  heard(now: number): void {
    this.#lastAt = now
  }

  /** The silence begins anew, and so does what is known of it: whoever watches was away. */
  restart(now: number): void {
    this.#lastAt = now
    this.#count = this.#next = this.#sum = this.#squares = 0
  }

  /** Standard deviations by which the silence exceeds what is usual, `pauseMs` granted. */
  deviations(now: number, pauseMs: number): number {
    return (now - this.#lastAt - pauseMs - this.#meanMs()) / this.#deviationMs()
  }

  /** Silence that makes so many deviations. At most twice of what an even beat has: a bad network is no excuse for ever. */
  limitMs(deviations: number, pauseMs: number): number {
    const even = this.#intendedMs + deviations * deviationMinMs + pauseMs
    return Math.min(2 * even, this.#meanMs() + deviations * this.#deviationMs() + pauseMs)
  }

  /** Until 8 beats are there, what is intended counts, and never less. */
  #meanMs(): number {
    return this.#count < 8 ? this.#intendedMs : Math.max(this.#intendedMs, this.#sum / this.#count)
  }

  #deviationMs(): number {
    if (this.#count < 8) return deviationMinMs
    const mean = this.#sum / this.#count
    return Math.max(deviationMinMs, Math.sqrt(Math.max(0, this.#squares / this.#count - mean * mean)))
  }
}
