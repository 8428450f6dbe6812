const factor = 3
const recoveredFactor = 2
const holdMs = 10_000

/**
 * Slow but alive: a place whose p99 is more than three times the median of its peers’ for ten seconds is degraded, and
 * no more once it has been below twice for as long. Degraded sheds weight; it is not down.
 */
export class Slowness {
  #degraded = false
  #since = Infinity

  get degraded(): boolean {
    return this.#degraded
  }

  /** Takes the p99 now; `peersMs` are those of the other places, without which nothing is slow. */
  observe(p99Ms: number, peersMs: readonly number[], now: number): void {
    const usualMs = median(peersMs)
    const against = this.#degraded
      ? p99Ms < usualMs * recoveredFactor
      : usualMs > 0 && p99Ms > usualMs * factor
    if (!against) {
      this.#since = Infinity
      return
    }
    if (this.#since === Infinity) this.#since = now
    if (now - this.#since < holdMs) return
    this.#degraded = !this.#degraded
    this.#since = Infinity
  }
}

/** 0 of none. */
function median(values: readonly number[]): number {
  if (values.length === 0) return 0
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
