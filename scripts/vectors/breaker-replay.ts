import { CircuitBreaker, LocalCells, failure, rejected } from '@budao/resilience'
import { planBreaker } from './breaker-profile.ts'
import type { BreakerPlan } from './breaker-profile.ts'
import { show } from './vector-file.ts'
import type { BreakerEvent, BreakerVector, Mismatch, Replay } from './vector-file.ts'

/** Drives a breaker made for the vector's configuration through its events and compares what it says. */
export function replayBreaker(vector: BreakerVector): Replay {
  let plan: BreakerPlan
  let replayer: Replayer
  try {
    plan = planBreaker(vector)
    replayer = new Replayer(plan)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return {
      failures: [{ at: 'config', expected: 'options a breaker can have', seen: error.message }],
      notes: [],
    }
  }
  const failures: Mismatch[] = []
  for (const [index, event] of vector.events.entries()) {
    const at = `event ${index} (t=${event.t} ${event.op})`
    for (const [expected, seen] of replayer.step(event)) failures.push({ at, expected, seen })
  }
  return { failures, notes: plan.notes }
}

class Replayer {
  readonly #plan: BreakerPlan
  readonly #breaker: CircuitBreaker
  readonly #started = new Map<string, { permit: number; t: number; isTrial: boolean }[]>()

  constructor(plan: BreakerPlan) {
    this.#plan = plan
    this.#breaker = new CircuitBreaker(new LocalCells(CircuitBreaker.cellsFor(plan.options)), plan.options)
  }

  /** Does one event. Yields [expected, seen] for everything that is not as the event expects. */
  *step(event: BreakerEvent): Generator<[expected: string, seen: string]> {
    const now = event.t - this.#plan.origin
    this.#endOverdue(event.t)
    const calls = event.n ?? 1
    let admitted = 0
    switch (event.op) {
      case 'call':
        for (let i = 0; i < calls; i++) {
          const permit = this.#breaker.admit(now)
          if (permit === rejected) continue
          admitted++
          const isTrial = this.#breaker.state(now) === 'half-open'
          yield* this.#record(permit, isTrial, event.durationMs ?? 0, event, now)
        }
        break
      case 'start': {
        const group = []
        for (let i = 0; i < calls; i++) {
          const permit = this.#breaker.admit(now)
          if (permit === rejected) continue
          admitted++
          group.push({ permit, t: event.t, isTrial: this.#breaker.state(now) === 'half-open' })
        }
        this.#started.set(event.id ?? '', group)
        break
      }
      case 'finish': {
        const group = this.#started.get(event.id ?? '')
        if (group === undefined) {
          yield ['the id of a started call', show(event.id)]
          return
        }
        this.#started.delete(event.id ?? '')
        for (const { permit, t, isTrial } of group) {
          yield* this.#record(permit, isTrial, event.durationMs ?? event.t - t, event, now)
        }
        break
      }
      case 'force':
        if (event.to !== 'open' && event.to !== 'closed' && event.to !== 'auto') {
          yield ['to: open, closed or auto', show(event.to)]
          return
        }
        this.#breaker.force(event.to, 'vector', now)
        break
      case 'observe':
        this.#breaker.observe(now)
        break
      case 'wall_clock_jump':
        // Nothing to do, which is the point: no wall clock reaches the breaker.
        break
      default:
        yield ['op: call, start, finish, observe, wall_clock_jump or force', show(event.op)]
        return
    }
    yield* this.#compare(event, now, admitted, calls)
  }

  *#record(
    permit: number,
    isTrial: boolean,
    durationMs: number,
    event: BreakerEvent,
    now: number,
  ): Generator<[expected: string, seen: string]> {
    const result = this.#plan.result(event.outcome ?? 'success', durationMs, isTrial)
    if (result === null) {
      yield ['an outcome that is known', show(event.outcome)]
      return
    }
    this.#breaker.record(permit, result.outcome, result.durationMs, now)
    if (isTrial && this.#plan.countsClosingTrial && this.#breaker.state(now) === 'closed') {
      this.#breaker.record(this.#breaker.admit(now), result.outcome, result.durationMs, now)
    }
  }

  /** Fails the started calls whose timeout is over: where there is one, their own answer comes to nobody. */
  #endOverdue(t: number): void {
    const { timeoutMs, origin } = this.#plan
    for (const [id, group] of this.#started) {
      const waiting = group.filter((call) => t - call.t < timeoutMs)
      for (const call of group) {
        if (!waiting.includes(call))
          this.#breaker.record(call.permit, failure, timeoutMs, call.t + timeoutMs - origin)
      }
      this.#started.set(id, waiting)
    }
  }

  *#compare(
    event: BreakerEvent,
    now: number,
    admitted: number,
    calls: number,
  ): Generator<[expected: string, seen: string]> {
    for (const [key, expected] of Object.entries(event.expect ?? {})) {
      switch (key) {
        case 'admitted': {
          const wanted = expected === true ? calls : expected === false ? 0 : expected
          if (admitted !== wanted) yield [`admitted ${show(wanted)} of ${calls}`, `${admitted}`]
          break
        }
        case 'state':
        case 'state_any': {
          const wanted = [expected].flat().map((name) => stateName(String(name)))
          const state: string = this.#breaker.state(now)
          if (!wanted.includes(state)) yield [`state ${wanted.join(' or ')}`, state]
          break
        }
        case 'calls':
        case 'failures':
        case 'slow': {
          const seen = this.#breaker.counts(now)[key]
          if (seen !== expected) yield [`${key} ${show(expected)}`, String(seen)]
          break
        }
        default:
          yield ['an expectation that can be checked: admitted, state, state_any, calls, failures, slow', key]
      }
    }
  }
}

/** Our words for what libraries call their states. */
function stateName(name: string): string {
  const word = name.toLowerCase().replaceAll('_', '-')
  if (word === 'halfopen') return 'half-open'
  if (word === 'isolated') return 'forced-open'
  return word === 'disabled' ? 'forced-closed' : word
}
