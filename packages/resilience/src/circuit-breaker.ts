import { breakerSettings } from './breaker-options.ts'
import type { BreakerOptions, BreakerSettings } from './breaker-options.ts'
import { evidenceOf } from './breaker-transition.ts'
import type { BreakerCounts, BreakerReason, BreakerState, BreakerTransition } from './breaker-transition.ts'
import {
  closed,
  finished,
  failed,
  forcedClosed,
  forcedOpen,
  generationOf,
  granted,
  halfOpen,
  kindOf,
  names,
  nextGeneration,
  oneFailed,
  oneFinished,
  oneGranted,
  oneSlow,
  open,
  slowTrials,
  trialCounts,
  withGeneration,
} from './breaker-word.ts'
import type { Cells } from './cells.ts'
import { CountWindow, TimeWindow } from './rolling-window.ts'
import type { RollingWindow } from './rolling-window.ts'

/** How a call ended: `success`, `failure` or `ignored`. */
export type BreakerOutcome = 0 | 1 | 2
/** An answer that speaks for the upstream; the gateway counts every status below 500. */
export const success = 0
/** An answer 5xx, a timeout, a broken connection. */
export const failure = 1
/** Says nothing of the upstream: a call that its caller cancelled; to some callers an answer 4xx. */
export const ignored = 2

/** What `admit` answers to a call that must not be made. */
export const rejected = -1

const stateCell = 0
const timesCell = 1
const windowCell = 5

/**
 * A circuit breaker that several threads share through its cells and that allocates nothing on `admit` and
 * `record`. Zeroed cells are a closed breaker. All threads must give the same options, and a `now` of the same
 * monotonic origin: not negative, milliseconds.
 *
 * One word holds everything that decides: kind (3 bits), trials granted, finished, failed and slow (5 bits each)
 * and a generation (9 bits) that every transition raises, so a transition is one compare-and-exchange and happens
 * once, whoever races for it. The permit of a call is the generation it was admitted in: a result of another
 * generation is late and decides nothing. (It would be mistaken for a current one after exactly 512 transitions,
 * over 20 minutes of uninterrupted flapping with the default sleep.)
 *
 * Rejected and ignored calls are not counted. A rule that is due is applied at the result that makes it so.
 */
export class CircuitBreaker {
  readonly #cells: Cells
  readonly #settings: BreakerSettings
  readonly #window: RollingWindow
  readonly #onTransition: ((transition: BreakerTransition) => void) | undefined

  /** Cells one breaker needs; give it that many from index 0 on. */
  static cellsFor(options: BreakerOptions): number {
    const { windowCalls, buckets } = breakerSettings(options)
    return windowCell + (windowCalls > 0 ? CountWindow.cellsFor(windowCalls) : TimeWindow.cellsFor(buckets))
  }

  /**
   * `onTransition` is called by the one thread that made the transition, within the call that did.
   * Throws a RangeError for options out of range.
   */
  constructor(cells: Cells, options: BreakerOptions, onTransition?: (transition: BreakerTransition) => void) {
    this.#cells = cells
    this.#settings = breakerSettings(options)
    const { windowCalls, windowMs, buckets } = this.#settings
    this.#window =
      windowCalls > 0
        ? new CountWindow(cells, windowCell, windowCalls)
        : new TimeWindow(cells, windowCell, windowMs, buckets)
    this.#onTransition = onTransition
  }

  /** May a call be made? Its permit (0 to 511), to be given back to `record` exactly once, or `rejected`. */
  admit(now: number): number {
    const word = this.#cells.load(stateCell)
    const kind = kindOf(word)
    if (kind === closed || kind === forcedClosed) return generationOf(word)
    return kind === forcedOpen ? rejected : this.#admitTrial(now)
  }

  /** Takes a call's result. `durationMs` matters only to the slow-call rate. */
  record(permit: number, outcome: BreakerOutcome, durationMs: number, now: number): void {
    const word = this.#cells.load(stateCell)
    if (generationOf(word) !== permit) return
    const slow = durationMs > this.#settings.slowCallMs
    switch (kindOf(word)) {
      case closed:
        if (outcome === ignored) return
        this.#window.record(permit, outcome === failure, slow, now)
        if (outcome === failure || slow) this.#evaluate(permit, now)
        // Nothing opens over a window without failures, which nearly all are: asked for two cells instead of eight.
        else if (this.#settings.evaluateOn === 'result' && !this.#window.isQuiet(permit))
          this.#evaluate(permit, now)
        return
      case forcedClosed:
        if (outcome !== ignored) this.#window.record(permit, outcome === failure, slow, now)
        return
      case halfOpen:
        this.#recordTrial(permit, outcome, slow, now)
        return
    }
  }

  /** The state after what time alone moves. */
  state(now: number): BreakerState {
    this.observe(now)
    return names[kindOf(this.#cells.load(stateCell))]!
  }

  /** Makes the transitions that only need time. Calls make them too; this is for when none come. */
  observe(now: number): void {
    for (;;) {
      const word = this.#cells.load(stateCell)
      const elapsed = this.#elapsed(word, now)
      const { halfOpenOn, hungTrial, sleepWindowMs, trialLeaseMs } = this.#settings
      if (kindOf(word) === open && halfOpenOn === 'time' && this.#sleepOver(elapsed)) {
        this.#move(word, halfOpen, now - elapsed + sleepWindowMs, now, 'sleep-over')
      } else if (kindOf(word) === halfOpen && hungTrial === 'reopen' && elapsed >= trialLeaseMs) {
        this.#move(word, open, now - elapsed + trialLeaseMs, now, 'trial-hung')
      } else {
        return
      }
    }
  }

  /** What the window holds: for reports. */
  counts(now: number): BreakerCounts {
    return this.#counts(this.#cells.load(stateCell), now)
  }

  /**
   * When a rejected caller may come again: what is left of the sleep, the whole sleep when forced open; 0 when
   * calls are admitted, or as soon as the trial under way has its result.
   */
  retryAfterMs(now: number): number {
    const word = this.#cells.load(stateCell)
    const { sleepWindowMs } = this.#settings
    switch (kindOf(word)) {
      case open:
        return Math.max(0, sleepWindowMs - this.#elapsed(word, now))
      case forcedOpen:
        return sleepWindowMs
      default:
        return 0
    }
  }

  /** Holds the breaker open or closed until `auto`, which starts it closed with an empty window. */
  force(to: 'open' | 'closed' | 'auto', note: string, now: number): void {
    for (;;) {
      const word = this.#cells.load(stateCell)
      const kind = kindOf(word)
      const wanted = to === 'open' ? forcedOpen : to === 'closed' ? forcedClosed : closed
      if (kind === wanted || (to === 'auto' && kind !== forcedOpen && kind !== forcedClosed)) return
      if (this.#move(word, wanted, now, now, 'forced', note)) return
    }
  }

  #admitTrial(now: number): number {
    const { trials, hungTrial, trialLeaseMs } = this.#settings
    for (;;) {
      this.observe(now)
      const word = this.#cells.load(stateCell)
      switch (kindOf(word)) {
        case closed:
        case forcedClosed:
          return generationOf(word)
        case forcedOpen:
          return rejected
        case open:
          if (!this.#sleepOver(this.#elapsed(word, now))) return rejected
          if (this.#move(word, halfOpen + oneGranted, now, now, 'sleep-over')) return nextGeneration(word)
          break
        case halfOpen: {
          const outstanding = granted(word) - finished(word)
          if (hungTrial === 'reopen') {
            if (granted(word) >= trials) return rejected
            if (this.#cells.compareExchange(stateCell, word, word + oneGranted)) return generationOf(word)
          } else if (granted(word) < trials && outstanding > 0) {
            if (this.#cells.compareExchange(stateCell, word, word + oneGranted)) return generationOf(word)
          } else if (granted(word) < trials || this.#elapsed(word, now) >= trialLeaseMs) {
            // The lease starts with the first trial under way. A generation of its own makes the results of the
            // trials whose lease ended late ones.
            const fresh = word - outstanding * oneGranted + oneGranted
            if (this.#publish(word, fresh, now)) return nextGeneration(word)
          } else {
            return rejected
          }
        }
      }
    }
  }

  #recordTrial(permit: number, outcome: BreakerOutcome, slow: boolean, now: number): void {
    const cells = this.#cells
    for (;;) {
      const word = cells.load(stateCell)
      if (generationOf(word) !== permit || granted(word) === finished(word)) return
      if (outcome === ignored) {
        if (cells.compareExchange(stateCell, word, word - oneGranted)) return
        continue
      }
      const next = word + oneFinished + (outcome === failure ? oneFailed : 0) + (slow ? oneSlow : 0)
      const verdict = this.#verdict(next)
      const done =
        verdict === 'undecided'
          ? cells.compareExchange(stateCell, word, next)
          : verdict === 'succeeded'
            ? this.#move(word, closed, now, now, 'trials-succeeded', '', next)
            : this.#move(word, open, now, now, 'trials-failed', '', next)
      if (done) return
    }
  }

  #verdict(word: number): 'undecided' | 'succeeded' | 'failed' {
    const { trialJudgement, trialsToDecide, errorThresholdPercentage, slowCallPercentage } = this.#settings
    const done = finished(word)
    const bad = failed(word)
    if (trialJudgement === 'any-failure' && bad > 0) return 'failed'
    if (done < trialsToDecide) return 'undecided'
    // Trials of which none went well prove nothing, whatever the operator and the threshold.
    if (bad === done || this.#exceeds(bad, done, errorThresholdPercentage)) return 'failed'
    const late = slowTrials(word)
    return late === done || this.#exceeds(late, done, slowCallPercentage) ? 'failed' : 'succeeded'
  }

  /** Opens a closed breaker whose window says so. */
  #evaluate(generation: number, now: number): void {
    const { requestVolumeThreshold, errorThresholdPercentage, slowCallPercentage } = this.#settings
    const window = this.#window
    window.sum(generation, now)
    const { calls, failures, slow } = window
    if (calls < requestVolumeThreshold) return
    let reason: BreakerReason
    if (this.#exceeds(failures, calls, errorThresholdPercentage)) reason = 'error-rate'
    else if (slow === 0) return
    else if (this.#exceeds(slow, calls, slowCallPercentage)) reason = 'slow-rate'
    else if (slow === calls && slowCallPercentage === 100) reason = 'slow-rate'
    else return
    const word = this.#cells.load(stateCell)
    // Lost races need no second try: whoever won has moved the breaker on from this generation.
    if (generationOf(word) === generation && kindOf(word) === closed) this.#move(word, open, now, now, reason)
  }

  #counts(word: number, now: number): BreakerCounts {
    this.#window.sum(generationOf(word), now)
    const { calls, failures, slow } = this.#window
    return { calls, failures, slow }
  }

  #exceeds(part: number, whole: number, percentage: number): boolean {
    if (part === 0) return false
    return this.#settings.thresholdOp === '>='
      ? part * 100 >= percentage * whole
      : part * 100 > percentage * whole
  }

  #sleepOver(elapsed: number): boolean {
    const { openOp, sleepWindowMs } = this.#settings
    return openOp === '>=' ? elapsed >= sleepWindowMs : elapsed > sleepWindowMs
  }

  /**
   * Makes a transition to the word `next` (without its generation), unless another thread was faster; the one who
   * made it reports it. `judged` is the word that carries the trials' results when it was they who decided.
   */
  #move(
    word: number,
    next: number,
    at: number,
    now: number,
    reason: BreakerReason,
    note = '',
    judged = -1,
  ): boolean {
    if (!this.#publish(word, next, at)) return false
    if (this.#onTransition === undefined) return true
    const evidence = evidenceOf(judged === -1 ? this.#counts(word, now) : trialCounts(judged))
    this.#onTransition({ from: names[kindOf(word)]!, to: names[kindOf(next)]!, at, reason, note, evidence })
    return true
  }

  /**
   * Puts `next` in the word's place under the next generation. The time is written first, into the slot of that
   * generation's parity, so no thread finds the new word with the old time.
   */
  #publish(word: number, next: number, at: number): boolean {
    const generation = nextGeneration(word)
    const cells = this.#cells
    if (cells.load(stateCell) !== word) return false
    const ms = Math.ceil(at)
    const slot = timesCell + (generation & 1) * 2
    cells.store(slot, Math.floor(ms / eraMs))
    cells.store(slot + 1, ms | 0)
    return cells.compareExchange(stateCell, word, withGeneration(next, generation))
  }

  /**
   * Whole milliseconds since the transition to `word`. The low cell alone answers it, wrapping, for up to 24 days;
   * the high one, which counts eras of 12 days, only tells when it was longer, and then the answer is some time
   * longer than any option may be. So two threads that wrote the slot at once cannot make a wild mixture of it.
   */
  #elapsed(word: number, now: number): number {
    const ms = Math.floor(now)
    const slot = timesCell + (generationOf(word) & 1) * 2
    const eras = Math.floor(ms / eraMs) - this.#cells.load(slot)
    return eras >= 2 ? (eras - 1) * eraMs : (ms - this.#cells.load(slot + 1)) | 0
  }
}

const eraMs = 2 ** 30
