const samplesMax = 64
const timeoutMinMs = 200
const timeoutMaxMs = 400

/** The slowest of the last 64 round trips to a place, which stands for their p99, and how long a probe of it may take. */
export class RoundTrips {
  readonly #samples = new Float64Array(samplesMax)
  #next = 0
  #slowest = 0

  measured(rttMs: number): void {
    const dropped = this.#samples[this.#next]!
    this.#samples[this.#next] = rttMs
    this.#next = (this.#next + 1) % samplesMax
    if (rttMs >= this.#slowest) this.#slowest = rttMs
    else if (dropped === this.#slowest) this.#slowest = Math.max(...this.#samples)
  }

  /** Milliseconds; 0 before the first. */
  get p99Ms(): number {
    return this.#slowest
  }

  /**
   * Four times the p99, within 200 to 400 ms; where the network itself takes that long, twice its p99.
   */
  get probeTimeoutMs(): number {
    const adapted = Math.min(timeoutMaxMs, Math.max(timeoutMinMs, 4 * this.#slowest))
    return Math.max(adapted, Math.min(2000, 2 * this.#slowest))
  }
}
