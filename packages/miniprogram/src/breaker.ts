/** What an attempt says of its channel: `good`, `bad`, or `nothing` where the phone or the caller ended it. */
export type Evidence = 'good' | 'bad' | 'nothing'

// A phone makes few requests: the gateway's twenty in five seconds would never come together. And its own network loses a third of
// them where it is weak, which says nothing of a site: only one that answers as good as nothing is left alone.
export const WINDOW_MS = 30_000
export const BUCKETS = 6
export const CALLS_MIN = 5
export const FAILED_PERCENT = 90
export const SLEEP_MS = 2_000
export const TRIAL_LEASE_MS = 60_000

interface Bucket {
  readonly number: number
  calls: number
  failures: number
}

/**
 * closed      calls go through, and are counted
 * open        none goes through until the sleep is over
 * half-open   one call goes through, and decides
 */
type State = 'closed' | 'open' | 'half-open'

/**
 * The gateway's circuit breaker for one thread and one set of options: a property test holds the two equal, verdict by
 * verdict. That one is made of shared memory, and weighs more than all of this client's failover.
 */
export class Breaker {
  #state: State = 'closed'
  /** Raised by every transition: a result of an earlier one is late, and decides nothing. */
  #generation = 0
  #movedAt = 0
  #trialOut = false
  #window: Bucket[] = []

  /** May a call be made? Its permit, to be given back to `record` once, or -1. */
  admit(now: number): number {
    if (!this.usable(now)) return -1
    if (this.#state === 'closed') return this.#generation
    this.#move('half-open', now)
    this.#trialOut = true
    return this.#generation
  }

  /** Whether `admit` would say yes. */
  usable(now: number): boolean {
    const ms = now - this.#movedAt
    if (this.#state === 'open') return ms >= SLEEP_MS
    return this.#state === 'closed' || !this.#trialOut || ms >= TRIAL_LEASE_MS
  }

  record(permit: number, evidence: Evidence, now: number): void {
    if (permit !== this.#generation) return
    if (this.#state === 'closed') {
      if (evidence !== 'nothing') this.#count(evidence === 'bad', now)
    } else if (this.#trialOut) {
      if (evidence === 'nothing') this.#trialOut = false
      else this.#move(evidence === 'bad' ? 'open' : 'closed', now)
    }
  }

  #count(bad: boolean, now: number): void {
    const number = Math.floor(now / (WINDOW_MS / BUCKETS))
    const window = this.#window.filter((bucket) => bucket.number > number - BUCKETS)
    let last = window[window.length - 1]
    if (last?.number !== number) window.push((last = { number, calls: 0, failures: 0 }))
    last.calls++
    if (bad) last.failures++
    this.#window = window
    let calls = 0
    let failures = 0
    for (const bucket of window) {
      calls += bucket.calls
      failures += bucket.failures
    }
    if (calls >= CALLS_MIN && failures * 100 >= FAILED_PERCENT * calls) this.#move('open', now)
  }

  #move(to: State, now: number): void {
    this.#state = to
    this.#generation++
    this.#movedAt = now
    this.#trialOut = false
    this.#window = []
  }
}
