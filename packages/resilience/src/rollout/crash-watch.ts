/** Further back nobody looks, milliseconds: the longest wait of Kubernetes between two lives of a container that crashes, and the agent’s `restart.window`. */
const windowMs = 300_000
/** Lives of one of them that are remembered. */
const livesMax = 32
/** Endpoints and processes that are watched; above that the newest are not. */
const watchedMax = 1_024

/** What is known of an endpoint, or of the process behind it, at one look. */
export interface LifeLook {
  /** Null: it is kept out on purpose, and whatever ends meanwhile is meant to. */
  readonly up: boolean | null
  /**
   * Lives of its process that ended and were not to, by whoever looks after it; null where nobody does. Who knows counts alone: checks
   * can neither tell an end that was meant from a crash, nor see one between two of them.
   */
  readonly crashes: number | null
}

interface Watched {
  /** It was up, and has not been kept out since. */
  wasUp: boolean
  up: boolean
  crashes: number | null
  /** When a life began that followed on one that ended, oldest first. */
  lives: number[]
}

/**
 * How often each of some endpoints or processes has begun anew within the last five minutes, by looks at them. What ends and stays
 * away is not in a loop; of several that are restarted one after the other each begins anew once.
 */
export class CrashWatch {
  readonly #watched: Map<string, Watched> = new Map()

  see(name: string, { up, crashes }: LifeLook, now: number): void {
    const known = this.#watched.get(name)
    if (known === undefined) {
      if (this.#watched.size < watchedMax)
        this.#watched.set(name, { wasUp: up === true, up: up === true, crashes, lives: [] })
      return
    }
    const back = known.wasUp && !known.up && up === true ? 1 : 0
    // An agent that began anew counts from nothing.
    const begun = crashes === null ? back : crashes - (known.crashes ?? crashes)
    for (let n = 0; n < Math.min(begun, livesMax); n++) known.lives.push(now)
    if (known.lives.length > livesMax) known.lives = known.lives.slice(-livesMax)
    known.wasUp = up !== null && (known.wasUp || up)
    known.up = up === true
    known.crashes = crashes
  }

  /** Of the one that began anew most often: how often within the last five minutes. */
  worst(now: number): number {
    let worst = 0
    for (const { lives } of this.#watched.values()) {
      while (lives.length > 0 && now - lives[0]! > windowMs) lives.shift()
      worst = Math.max(worst, lives.length)
    }
    return worst
  }
}

/** Of one and the same endpoint: one is a deploy, a second one somebody who had forgotten something. */
const livesForLoop = 3

/**
 * Whether a release is in a crash loop while stable is not: what ends both is nobody's fault. Looks find the same outage at one of them
 * before the other, so stable may be one behind, and not two.
 */
export function isCrashing(canary: number, stable: number): boolean {
  return canary >= livesForLoop && stable < livesForLoop - 1
}
