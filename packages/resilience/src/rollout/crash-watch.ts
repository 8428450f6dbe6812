/** Further back nobody looks, milliseconds. */
const windowMs = 60_000
/** Ends of one of them that are remembered. */
const endsMax = 32
/** Endpoints and processes that are watched; above that the newest are not. */
const watchedMax = 1_024

interface Watched {
  up: boolean
  restarts: number | null
  /** When it ended, oldest first. */
  ends: number[]
}

/** How often each of some endpoints or processes ended within the last minute, by looks at them. */
export class CrashWatch {
  readonly #watched: Map<string, Watched> = new Map()

  /**
   * `restarts`: how often somebody who looks after it has started it again; null where nobody does. Who knows counts alone: checks
   * would see the same end a second time.
   */
  see(name: string, up: boolean, restarts: number | null, now: number): void {
    const known = this.#watched.get(name)
    if (known === undefined) {
      if (this.#watched.size < watchedMax) this.#watched.set(name, { up, restarts, ends: [] })
      return
    }
    const fell = known.up && !up ? 1 : 0
    const ends = restarts === null ? fell : restarts - (known.restarts ?? restarts)
    for (let n = 0; n < Math.min(ends, endsMax); n++) known.ends.push(now)
    if (known.ends.length > endsMax) known.ends = known.ends.slice(-endsMax)
    known.up = up
    known.restarts = restarts
  }

  /** Of the one that ended most often: how often within the last minute. */
  worst(now: number): number {
    let worst = 0
    for (const watched of this.#watched.values()) {
      while (watched.ends.length > 0 && now - watched.ends[0]! > windowMs) watched.ends.shift()
      worst = Math.max(worst, watched.ends.length)
    }
    return worst
  }
}

/** Up, down, up, down: one end may be a deploy. */
const endsForLoop = 2

/** Whether a release is in a crash loop while stable is not: what ends both is nobody's fault. */
export function isCrashing(canary: number, stable: number): boolean {
  return canary >= endsForLoop && stable < endsForLoop
}
