/** How fast the level follows. */
export interface OverloadLevelOptions {
  /** Most classes that are shed. Default 3: the best of four never is. */
  readonly levelMax?: number | undefined
  /** A level holds so long before the next worse one. Default 100 ms. */
  readonly riseMs?: number | undefined
  /** Pressure must stay low for so long before the next better one. Default 1000 ms. */
  readonly fallMs?: number | undefined
}

/** Pressure from which another class is shed is this much higher than for the one before. */
const step = 0.5
/** A level is only left when pressure is below this share of what led to it. */
const released = 0.7

/**
 * How many of the lowest classes are shed while something runs short, from its pressure: the measured value divided by
 * what is allowed. 1 sheds the lowest class, each half more another one. Rises one class at a time, so that each
 * shedding can show its effect before the next, and falls slowly, so that it does not flutter.
 */
export class OverloadLevel {
  readonly #levelMax: number
  readonly #riseMs: number
  readonly #fallMs: number
  #level = 0
  #changedAt = -Infinity
  #highAt = -Infinity

  constructor({ levelMax = 3, riseMs = 100, fallMs = 1_000 }: OverloadLevelOptions = {}) {
    this.#levelMax = levelMax
    this.#riseMs = riseMs
    this.#fallMs = fallMs
  }

  /** Classes to shed, from the lowest. */
  get level(): number {
    return this.#level
  }

  /** Takes a fresh measurement; says whether the level is another one now. */
  observe(pressure: number, now: number): boolean {
    const level = this.#level
    if (level > 0 && pressure >= threshold(level) * released) this.#highAt = now
    if (level < this.#levelMax && pressure >= threshold(level + 1) && now - this.#changedAt >= this.#riseMs)
      return this.#move(level + 1, now)
    if (level > 0 && now - Math.max(this.#highAt, this.#changedAt) >= this.#fallMs)
      return this.#move(level - 1, now)
    return false
  }

  #move(level: number, now: number): true {
    this.#level = level
    this.#changedAt = now
    this.#highAt = now
    return true
  }
}

function threshold(level: number): number {
  return 1 + step * (level - 1)
}
