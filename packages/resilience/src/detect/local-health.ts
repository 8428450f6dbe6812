/** Why an observer’s own word does not count. */
export type Abstention = 'paused' | 'loop-delay' | 'isolated'

const pauseMs = 500
const loopDelayMaxMs = 100
/** After a pause, or being cut off, so long: one silence limit, in which beats are heard anew. */
const afterPauseMs = 1500
const calmMs = 5000
const scoreMax = 7

/**
 * Whether the observer is well itself, as Lifeguard (Dadgar et al., 2017) has it: who was stopped, blocked or cut off
 * sees everybody else dead. It abstains, and is more patient for a while.
 */
export class LocalHealth {
  #turnAt: number
  #pausedAt = -Infinity
  #loopDelayMs = 0
  #isolated = false
  /** It has seen most of the world once. */
  #joined = false
  #isolatedSince = -Infinity
  #isolatedUntil = -Infinity
  #score = 0
  #calmSince: number

  constructor(now: number) {
    this.#turnAt = this.#calmSince = now
  }

  /**
   * Call it at every turn of the loop, at least each 100 ms and before any evidence is taken: a longer gap was a pause.
   * True after one: call `restart` of every detector.
   */
  turn(now: number): boolean {
    const paused = now - this.#turnAt > pauseMs
    this.#turnAt = now
    if (paused) {
      this.#pausedAt = now
      this.#worse(now)
    } else if (this.#score > 0 && now - this.#calmSince >= calmMs) {
      this.#score--
      this.#calmSince = now
    }
    return paused
  }

  /** How late timers were lately, but for the worst one. */
  loopDelay(lateMs: number, now: number): void {
    if (lateMs > loopDelayMaxMs && this.#loopDelayMs <= loopDelayMaxMs) this.#worse(now)
    this.#loopDelayMs = lateMs
  }

  /**
   * Failure domains watched, its own among them, and how many of them look suspect or down from here. When it was cut off
   * until now, since when; else null: call `forget` of every detector with it.
   */
  domains(failing: number, watched: number, now: number): number | null {
    const isolated = watched > 1 && failing * 2 > watched
    const before = this.#isolated
    this.#isolated = isolated
    if (!isolated) this.#joined = true
    if (isolated && !before) {
      // Who has only just begun is not cut off, it has not met the others yet.
      if (this.#joined) this.#worse(now)
      // Who is found silent first may be so a moment before the others are, by the same cut.
      this.#isolatedSince = now - afterPauseMs
    }
    if (isolated || !before) return null
    this.#isolatedUntil = now
    return this.#isolatedSince
  }

  /**
   * Null: its word counts. `gone`: it is about a place whose process is gone by the word of a kernel, found since the last pause. Who is
   * late hears silence where there is none, but makes no refusal; a firewall in its own way does.
   */
  abstains(now: number, gone = false): Abstention | null {
    if (!gone && now - this.#pausedAt < afterPauseMs) return 'paused'
    if (!gone && this.#loopDelayMs > loopDelayMaxMs) return 'loop-delay'
    return this.#isolated || now - this.#isolatedUntil < afterPauseMs ? 'isolated' : null
  }

  /** How much more patience than usual, 1 to 8. */
  get stretch(): number {
    return 1 + this.#score
  }

  #worse(now: number): void {
    this.#score = Math.min(scoreMax, this.#score + 1)
    this.#calmSince = now
  }
}
