import type { BreakerTransition, CircuitBreaker } from '@budao/resilience'
import type { Incident } from './incident.ts'
import type { Worker } from './worker.ts'

/** What must hold in every incident. Each broken line is kept with its moment; a run without any is good. */
export class Checker {
  readonly violations: string[] = []
  readonly #incident: Incident
  readonly #trials = new Map<string, number[]>()

  constructor(incident: Incident) {
    this.#incident = incident
  }

  /** A choice: usable, or panic; and nothing tried before while something usable was not. */
  onPick(worker: Worker, picked: number, tried: readonly number[], now: number): void {
    const { set } = worker
    if (set.state(picked, now) !== 'usable' && !set.panic(now)) {
      this.#broken(now, `${this.#name(picked)} was picked while ${set.state(picked, now)}, without panic`)
    }
    if (!tried.includes(picked)) return
    const better = this.#open(worker, now).find((index) => !tried.includes(index))
    if (better !== undefined)
      this.#broken(now, `${this.#name(picked)} was tried again before ${this.#name(better)}`)
  }

  /** Nobody could be asked. */
  onNoEndpoint(worker: Worker, tried: readonly number[], now: number): void {
    const left = this.#open(worker, now).find((index) => !tried.includes(index))
    if (left !== undefined) this.#broken(now, `no endpoint was found while ${this.#name(left)} was usable`)
  }

  /** A request that is not idempotent must not be done twice. */
  onProcessed(request: string, idempotent: boolean, times: number, now: number): void {
    if (!idempotent && times > 1) this.#broken(now, `${request} was processed ${times} times`)
  }

  /** Half-open lets one call through at a time, for as long as its lease. */
  onAdmitted(name: string, breaker: CircuitBreaker, leaseMs: number, now: number): void {
    if (breaker.state(now) !== 'half-open') return
    const granted = this.#trials.get(name) ?? []
    const live = granted.filter((at) => now - at < leaseMs)
    if (live.length > 0)
      this.#broken(
        now,
        `${name}: a trial at ${Math.round(live[0]!)} ms had no result, and another was admitted`,
      )
    this.#trials.set(name, [...live, now])
  }

  onTransition(name: string, { to, from, reason, evidence }: BreakerTransition, now: number): void {
    this.#trials.delete(name)
    if (from !== 'closed' || to !== 'open') return
    const { calls, failures } = evidence
    if (calls < 20 || failures * 2 < calls)
      this.#broken(now, `${name} opened (${reason}) on ${failures} of ${calls}`)
  }

  /** After every step. */
  onStep([first, ...others]: readonly Worker[], now: number): void {
    const { endpoints } = this.#incident
    for (let index = 0; index < endpoints.length; index++) {
      const state = first!.set.state(index, now)
      for (const other of others) {
        const seen = other.set.state(index, now)
        if (seen !== state)
          this.#broken(now, `${this.#name(index)} is ${state} for one worker and ${seen} for another`)
      }
    }
    for (const other of others) {
      const own = [first!.breaker, ...first!.doors]
      const agreed = [other.breaker, ...other.doors].every(
        (breaker, i) => breaker.state(now) === own[i]!.state(now),
      )
      if (!agreed) this.#broken(now, 'two workers see a breaker in two states')
    }
    const healthy = endpoints.some((_, index) => first!.set.health(index) !== 'unhealthy')
    if (healthy && first!.set.usable(now) === 0) this.#broken(now, 'the last usable endpoint was taken away')
  }

  /** A request ended without an answer although nothing was broken any more. */
  onLateFailure(request: string, why: string, now: number): void {
    this.#broken(now, `${request} failed (${why}) after everything had to be well`)
  }

  onEnd(workers: readonly Worker[], served: readonly number[], now: number): void {
    const { set, breaker, doors } = workers[0]!
    if (breaker.state(now) !== 'closed')
      this.#broken(now, `the service's breaker is still ${breaker.state(now)}`)
    for (const [index, door] of doors.entries()) {
      if (set.state(index, now) !== 'usable')
        this.#broken(now, `${this.#name(index)} is still ${set.state(index, now)}`)
      const inFlight = set.load(index).inFlight()
      if (inFlight !== 0)
        this.#broken(now, `${this.#name(index)} still counts ${inFlight} requests in flight`)
      // Without traffic nobody makes the trial; it must be welcome, though.
      const state = door.state(now)
      const idle = served[index] === 0
      if (state !== 'closed' && !(idle && door.retryAfterMs(now) === 0)) {
        this.#broken(now, `the breaker of ${this.#name(index)} is still ${state}`)
      }
    }
  }

  /** Endpoints that every rule would let a request go to. */
  #open({ set, doors }: Worker, now: number): number[] {
    return this.#incident.endpoints
      .map((_, index) => index)
      .filter((index) => set.state(index, now) === 'usable' && doors[index]!.state(now) === 'closed')
  }

  #name(index: number): string {
    return this.#incident.endpoints[index]!.id
  }

  #broken(now: number, what: string): void {
    // One root cause breaks a line thousands of times; the first ones tell the story.
    if (this.violations.length < 20) this.violations.push(`${Math.round(now)} ms: ${what}`)
  }
}
