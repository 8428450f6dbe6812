import { ignored, success, type BreakerOutcome } from '@budao/resilience'
import { durationBoundsMs, durationBucket } from '../metrics/metrics.ts'

/** What is counted of a service or an endpoint, beside the durations. `open` and `idle` are gauges. */
const fields = [
  'success',
  'failure',
  'cancelled',
  'retries',
  'breakerRejected',
  'breakerOpened',
  'ejections',
  'open',
  'idle',
  'durationMs',
] as const

/** One of `fields`. */
export type TrafficField = (typeof fields)[number]

const places = Object.fromEntries(fields.map((field, place) => [field, place])) as Record<
  TrafficField,
  number
>
const firstBucket = fields.length
const perWorker = firstBucket + durationBoundsMs.length + 1

/**
 * What the threads count of one service or endpoint: plain numbers in its shared memory, each thread in a row of its own, so
 * that counting is an addition without a lock. Read as the sum of the rows.
 */
export class TrafficCounters {
  /** 64-bit numbers it takes. */
  static floatsFor(workers: number): number {
    return workers * perWorker
  }

  readonly #all: Float64Array
  readonly #own: Float64Array

  /** `worker` is which of the threads this is, from 0. */
  constructor(floats: Float64Array, worker: number) {
    this.#all = floats
    this.#own = floats.subarray(worker * perWorker, (worker + 1) * perWorker)
  }

  /** Something that took so long has ended. What was cancelled has no duration worth counting. */
  end(result: 'success' | 'failure', durationMs: number): void {
    const own = this.#own
    own[places[result]]!++
    own[places.durationMs]! += durationMs
    own[firstBucket + durationBucket(durationMs)]!++
  }

  /** Which of the outcomes it was; one that nobody waited for has no duration. */
  count(outcome: BreakerOutcome, durationMs: number): void {
    if (outcome === ignored) this.add('cancelled')
    else this.end(outcome === success ? 'success' : 'failure', durationMs)
  }

  add(field: TrafficField): void {
    this.#own[places[field]]!++
  }

  set(field: 'open' | 'idle', value: number): void {
    this.#own[places[field]] = value
  }

  sum(field: TrafficField): number {
    return this.#sum(places[field])
  }

  /** By upper bound, as `durationBoundsMs`; the last one takes the rest. */
  buckets(): number[] {
    return Array.from({ length: perWorker - firstBucket }, (_, bucket) => this.#sum(firstBucket + bucket))
  }

  /** A thread that died has nothing open any more. */
  forgetGauges(worker: number): void {
    this.#all[worker * perWorker + places.open] = 0
    this.#all[worker * perWorker + places.idle] = 0
  }

  #sum(place: number): number {
    let sum = 0
    for (let at = place; at < this.#all.length; at += perWorker) sum += this.#all[at]!
    return sum
  }
}
