import { priorityNames, type ServiceLimits } from '@budao/model'
import {
  AdaptiveLimit,
  WaitingLine,
  type Bulkhead,
  type Cells,
  type Random,
  type Waiter,
} from '@budao/resilience'
import type { ErrorCode } from '../errors.ts'
import type { ShedCounts } from './shed-counts.ts'

/** Somebody who waits to be let in. Exactly one of the calls comes, unless it leaves before. */
export interface Entrant extends Waiter {
  onAdmitted(permit: number, now: number): void
  onTurnedAway(code: ErrorCode, now: number): void
}

/** What admission needs of its service and its thread. */
export interface AdmissionContext {
  readonly cells: Cells
  readonly shed: ShedCounts
  readonly adaptiveCells: Cells | null
  readonly random: Random
  readonly worker: number
  readonly workers: number
  /** Whether any route gives its requests another class than the usual one. */
  readonly prioritized: boolean
  /** Asks the breaker, once there is a place: the permit, or why not; the place is then given back. */
  admit(now: number): number | ErrorCode
  /** Whether the breaker lets nobody in now. */
  isShut(now: number): boolean
  /** Tells another thread that a place is free. */
  ring(worker: number): void
}

/**
 * The door of a service that has an adaptive limit, a queue or classes: who is let in, who waits and who is turned away.
 * Counts are shared by the threads; each has a line of its own, whose head it publishes, so that a free place goes to
 * the best class and there to who waits longest, in whichever thread.
 */
export class Admission {
  readonly adaptive: AdaptiveLimit | null
  readonly #bulkhead: Bulkhead
  readonly #limits: ServiceLimits
  readonly #context: AdmissionContext
  readonly #shares: readonly number[]
  #line: WaitingLine<Entrant> | null
  #serving = false
  #again = false

  static cellsFor(workers: number): number {
    return 1 + workers * 2
  }

  constructor(bulkhead: Bulkhead, limits: ServiceLimits, context: AdmissionContext) {
    this.#bulkhead = bulkhead
    this.#limits = limits
    this.#context = context
    this.#shares = priorityNames.map((name) => (context.prioritized ? limits.shares[name] : 100))
    this.#line = limits.queue === undefined ? null : new WaitingLine(limits.queue.timeout)
    const { adaptive, concurrency } = limits
    this.adaptive =
      adaptive === undefined || context.adaptiveCells === null
        ? null
        : new AdaptiveLimit(context.adaptiveCells, context.random, {
            min: Math.min(adaptive.min, concurrency),
            max: concurrency,
            bufferPercent: adaptive.bufferPercent,
            measureMs: adaptive.measureEvery,
          })
  }

  /** Most requests in flight now. */
  get limit(): number {
    return this.adaptive?.limit ?? this.#limits.concurrency
  }

  /** Who waits now, in all threads. */
  get waiting(): number {
    return this.#context.cells.load(total)
  }

  /** Lets `entrant` in, tells it to wait, or says why not. */
  enter(entrant: Entrant, rank: number, now: number): number | ErrorCode | 'waiting' {
    if (!this.#isOutranked(rank) && this.#bulkhead.enter(this.#limitFor(rank)))
      return this.#context.admit(now)
    this.adaptive?.denied()
    const line = this.#line
    if (line === null) return this.#context.shed.count(rank, 'overloaded')
    if (this.#context.isShut(now)) return 'breaker_open'
    const isFull = this.waiting >= this.#limits.queue!.size
    // Only one of this thread's line: those of others are not in reach.
    const last = isFull ? line.last(rank, now) : undefined
    if (isFull && last === undefined) return this.#context.shed.count(rank, 'overloaded')
    line.add(entrant, rank, now)
    // Behind the newcomer: who is turned away may at once be somebody else who asks.
    if (last === undefined) this.#moved(1)
    this.#publish()
    last?.onTurnedAway(this.#context.shed.count(last.rank, 'overloaded'), now)
    return 'waiting'
  }

  /** A place is free: it is the best waiter's, here or in another thread. */
  onLeft(now: number): void {
    if (this.#line !== null && this.waiting > 0) this.#serve(now, false)
  }

  /** Nobody waits for `entrant`'s answer any more. */
  abandon(entrant: Entrant): void {
    if (this.#line?.remove(entrant) !== true) return
    this.#moved(-1)
    this.#publish()
  }

  /**
   * Called all the time, and when another thread rings: turns away who has waited too long, and takes places that are free,
   * even if a thread that has just died should have had them.
   */
  tick(now: number): void {
    const line = this.#line
    if (line === null || line.length === 0) return
    for (let late = line.expired(now); late !== undefined; late = line.expired(now)) {
      this.#moved(-1)
      this.#publish()
      late.onTurnedAway(this.#context.shed.count(late.rank, 'queue_timeout'), now)
    }
    this.#serve(now, true)
  }

  /** Goes on with the line of the same service in the snapshot before. */
  inherit(before: Admission): void {
    if (this.#line === null || before.#line === null) return
    before.#line.waitMs = this.#line.waitMs
    this.#line = before.#line
  }

  /** Takes back what a thread that died had waiting. */
  forget(worker: number): void {
    const { cells } = this.#context
    const lost = cells.load(countAt(worker))
    cells.add(total, -lost)
    cells.store(countAt(worker), 0)
    cells.store(this.#headAt(worker), 0)
  }

  #limitFor(rank: number): number {
    const { limit } = this
    const share = this.#shares[rank]!
    return share === 100 ? limit : Math.max(1, Math.floor((limit * share) / 100))
  }

  /** Whether somebody of the same class, or a better one, waits already. */
  #isOutranked(rank: number): boolean {
    if (this.#line === null || this.waiting === 0) return false
    const { cells, workers } = this.#context
    for (let worker = 0; worker < workers; worker++) {
      const head = cells.load(this.#headAt(worker))
      if (head !== 0 && rankOf(head) <= rank) return true
    }
    return false
  }

  #serve(now: number, always: boolean): void {
    // Who is let in may leave at once, and so on: worked off in one loop, not by recursion.
    if (this.#serving) {
      this.#again = true
      return
    }
    this.#serving = true
    do {
      this.#again = false
      while (this.#serveOne(now, always));
    } while (this.#again)
    this.#serving = false
  }

  #serveOne(now: number, always: boolean): boolean {
    const { cells, worker, admit, ring } = this.#context
    const line = this.#line!
    const best = this.#best()
    if (best === -1) return false
    if (best !== worker && !always) {
      if (this.#bulkhead.inFlight < this.#limitFor(rankOf(cells.load(this.#headAt(best))))) ring(best)
      return false
    }
    if (line.length === 0 || !this.#bulkhead.enter(this.#limitFor(line.rank))) return false
    const entrant = line.next(now)!
    this.#moved(-1)
    this.#publish()
    const permit = admit(now)
    if (typeof permit === 'number') entrant.onAdmitted(permit, now)
    else entrant.onTurnedAway(permit, now)
    return true
  }

  /** The thread whose line has the best class at its head, and there the oldest; -1 when nobody waits. */
  #best(): number {
    const { cells, workers } = this.#context
    let best = -1
    let bestHead = 0
    for (let worker = 0; worker < workers; worker++) {
      const head = cells.load(this.#headAt(worker))
      if (head === 0 || (best !== -1 && !isBefore(head, bestHead))) continue
      best = worker
      bestHead = head
    }
    return best
  }

  #moved(by: 1 | -1): void {
    const { cells, worker } = this.#context
    cells.add(total, by)
    cells.add(countAt(worker), by)
  }

  #publish(): void {
    const line = this.#line!
    const { cells, worker } = this.#context
    cells.store(this.#headAt(worker), line.length === 0 ? 0 : headOf(line.rank, line.since))
  }

  #headAt(worker: number): number {
    return countAt(this.#context.workers) + worker
  }
}

/** Who waits, over all threads; behind it the counts of each thread, then the heads of their lines. */
const total = 0

function countAt(worker: number): number {
  return total + 1 + worker
}

const sinceBits = 28
const sinceMask = 2 ** sinceBits - 1

/** The head of a line in one cell: a mark, its class (2 bits), since when it waits (28 bits of milliseconds, three days). */
function headOf(rank: number, since: number): number {
  return 0x40000000 | (rank << sinceBits) | (Math.floor(since) & sinceMask)
}

function rankOf(head: number): number {
  return (head >>> sinceBits) & 3
}

function isBefore(a: number, b: number): boolean {
  if (rankOf(a) !== rankOf(b)) return rankOf(a) < rankOf(b)
  // Over the wrap the earlier one is less than half of the range behind.
  return ((b - a) & sinceMask) < sinceMask / 2 && ((b - a) & sinceMask) !== 0
}
