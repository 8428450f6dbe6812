/** Draws in [0, 1). */
export interface Random {
  next(): number
}

/** What the outside gives a client: time, timers, chance. */
export interface Runtime {
  /** Monotonic milliseconds, as far as the platform has them: a step of the phone's clock must not end a call. */
  now(): number
  /** Milliseconds since 1970. */
  wallNow(): number
  readonly random: Random
  /** Calls `fire` once, behind `ms` milliseconds; the function it returns prevents that. */
  after(ms: number, fire: () => void): () => void
}

declare const setTimeout: (fire: () => void, ms: number) => number
declare const clearTimeout: (timer: number) => void

/** The phone's own. */
export function phoneRuntime(): Runtime {
  return {
    now: steadyClock(Date.now),
    wallNow: Date.now,
    random: { next: Math.random },
    after(ms, fire) {
      const timer = setTimeout(fire, ms)
      return () => clearTimeout(timer)
    },
  }
}

/** A step back is no time at all, a step forward of more than this is the user's or the network's doing and not time that passed. */
const STEP_MS = 60_000

/**
 * Milliseconds that only move forward, from a clock that people set: mini programs have no other. Steps are told from
 * time by their size, so that a pause of more than a minute counts as one.
 */
function steadyClock(wall: () => number): () => number {
  let last = wall()
  let now = 0
  return () => {
    const passed = wall() - last
    last += passed
    if (passed > 0) now += Math.min(passed, STEP_MS)
    return now
  }
}
