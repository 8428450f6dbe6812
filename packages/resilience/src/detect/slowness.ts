import { FlapPenalty } from './flap-penalty.ts'

/** When something is slow. Times in milliseconds. */
export interface SlownessOptions {
  /** Slower than usual by this factor, above 1. Default 3. */
  readonly factor: number
  /** And by so much. Default 50. */
  readonly atLeastMs: number
  /** For so long. Default 10 000. */
  readonly holdMs: number
  /** No more once it was well for so long. Default 30 000. */
  readonly stableMs: number
}

/** The defaults: those of `services.<name>.detection`. */
export const slownessOptions: SlownessOptions = {
  factor: 3,
  atLeastMs: 50,
  holdMs: 10_000,
  stableMs: 30_000,
}

/** What is usual follows what gets faster within seconds, and what gets slower within minutes. */
const fasterMs = 10_000
const slowerMs = 300_000
/** It comes and goes more slowly than what dies: three times in a few minutes, and it stays for about ten. */
const flapHalfLifeMs = 300_000
/** Something slow of which nothing is heard any more is forgotten after so long. */
const forgetMs = 300_000
/** What lies further apart is not in a row. */
const gapMs = 60_000
/** So many observations must agree: one slow request spoils no more than one or two. */
const looksMin = 5

/**
 * Slow but alive: something whose latency is far above its peers’ and above what it used to be itself, for a while. Both
 * count: what is slow everywhere is nobody’s fault, and what has always been slower, or has peers that answer nonsense fast,
 * has not become worse. It gets well when it is near either of them again, and each relapse makes that wait longer (`FlapPenalty`).
 */
export class Slowness {
  readonly #options: SlownessOptions
  readonly #flaps = new FlapPenalty(flapHalfLifeMs)
  #slow = false
  #ms = 0
  #measure: number | null = null
  /** What it takes by itself, learnt while it is well. */
  #own = 0
  #learntMs = 0
  #observedAt = -Infinity
  /** Since when the observations speak against what it is, and how many do. */
  #since = Infinity
  #looks = 0

  constructor(options: Partial<SlownessOptions> = {}) {
    this.#options = { ...slownessOptions, ...options }
  }

  get slow(): boolean {
    return this.#slow
  }

  /** The latency observed last, milliseconds. */
  get ms(): number {
    return this.#ms
  }

  /** What it was held against, milliseconds; null: nothing was known. */
  get usualMs(): number | null {
    return this.#measure
  }

  /**
   * Takes the latency of the time since the last observation; null, where nothing was measured, changes nothing. `peersMs` are
   * those of the others that are well: without any nothing becomes slow.
   */
  observe(ms: number | null, peersMs: readonly number[], now: number): void {
    if (ms === null) {
      if (this.#slow && now - this.#observedAt >= forgetMs) this.#turn()
      return
    }
    const passedMs = now - this.#observedAt
    const inRow = passedMs <= gapMs
    const against = this.#slow ? this.#isWell(ms, peersMs) : this.#isSlow(ms, peersMs)
    // What may be slow is not learnt, or it would soon be usual.
    if (!this.#slow && !against) this.#learn(ms, inRow ? passedMs : 0)
    // What was seen began after the observation before.
    if (!inRow || this.#looks === 0) this.#since = inRow ? this.#observedAt : now
    this.#looks = against ? (inRow ? this.#looks + 1 : 1) : 0
    this.#observedAt = now
    this.#ms = ms
    const { holdMs, stableMs } = this.#options
    if (this.#looks < looksMin || now - this.#since < (this.#slow ? stableMs : holdMs)) return
    if (this.#slow && this.#flaps.suppressed(now)) return
    this.#turn()
    if (this.#slow) this.#flaps.fell(now)
  }

  /** Whoever observes was away: what was seen before says nothing of the time between. */
  skip(now: number): void {
    this.#looks = 0
    if (this.#observedAt !== -Infinity) this.#observedAt = now
  }

  #turn(): void {
    this.#slow = !this.#slow
    this.#looks = 0
  }

  #isSlow(ms: number, peersMs: readonly number[]): boolean {
    const { factor, atLeastMs, holdMs } = this.#options
    const known = this.#learntMs >= holdMs
    this.#measure = peersMs.length > 0 && known ? Math.max(median(peersMs), this.#own) : null
    if (this.#measure === null) return false
    return ms > this.#measure * factor && ms - this.#measure >= atLeastMs
  }

  /** Half of the way back is enough. */
  #isWell(ms: number, peersMs: readonly number[]): boolean {
    const { factor, atLeastMs } = this.#options
    this.#measure = Math.max(median(peersMs), this.#own)
    return ms < this.#measure * ((1 + factor) / 2) || ms - this.#measure < atLeastMs / 2
  }

  #learn(ms: number, passedMs: number): void {
    this.#learntMs += passedMs
    if (this.#own === 0) this.#own = ms
    else this.#own += (ms - this.#own) * (1 - Math.exp(-passedMs / (ms < this.#own ? fasterMs : slowerMs)))
  }
}

/** The middle; 0 of none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 0
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
