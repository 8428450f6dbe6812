import { durationBoundsMs } from '../metrics/metrics.ts'
import { sdkPlatforms } from '../providers/sdk-platforms.ts'

/** How a call of an app ended: the class of its status, or the code of its error. */
export const sdkOutcomes = [
  '2xx',
  '3xx',
  '4xx',
  '5xx',
  'bad-answer',
  'network',
  'timeout',
  'maybe-sent',
  'no-channel',
  'overloaded',
  'aborted',
  'misuse',
  'other',
] as const
export type SdkOutcome = (typeof sdkOutcomes)[number]

/** Where its answer came from. */
export const sdkSources = ['network', 'cache', 'stale', 'other'] as const

/** What became of a batch. */
export const batchResults = ['accepted', 'malformed', 'limited'] as const
export type BatchResult = (typeof batchResults)[number]

/** A call as far as it is counted. */
export interface CountedCall {
  readonly platform: string
  readonly outcome: SdkOutcome
  readonly source: string
  readonly durationMs: number
  readonly queueMs: number
  readonly attempts: number
  readonly nativeRetries: number
}

const histogramFields = durationBoundsMs.length + 2

const Field = {
  calls: 0,
  sources: sdkPlatforms.length * sdkOutcomes.length,
  batches: sdkPlatforms.length * sdkOutcomes.length + sdkSources.length,
  attempts: sdkPlatforms.length * sdkOutcomes.length + sdkSources.length + batchResults.length,
} as const
const dropped = Field.attempts + 1
const nativeRetries = Field.attempts + 2
const durations = Field.attempts + 3
const queues = durations + histogramFields
const fields = queues + histogramFields

/** What apps have told of their calls, counted by one thread. What they send becomes a label only where the label is known before. */
export class SdkMetrics {
  readonly #values: Float64Array

  /** Numbers it needs. */
  static fields: number = fields

  constructor(values: Float64Array) {
    this.#values = values
  }

  batch(result: BatchResult): void {
    this.#values[Field.batches + batchResults.indexOf(result)]!++
  }

  /** Calls that an app had no room for. */
  dropped(count: number): void {
    this.#values[dropped]! += count
  }

  call(call: CountedCall): void {
    const platform = placeOf(sdkPlatforms, call.platform)
    this.#values[platform * sdkOutcomes.length + sdkOutcomes.indexOf(call.outcome)]!++
    this.#values[Field.sources + placeOf(sdkSources, call.source)]!++
    this.#values[Field.attempts]! += call.attempts
    this.#values[nativeRetries]! += call.nativeRetries
    this.#time(durations, call.durationMs)
    this.#time(queues, call.queueMs)
  }

  #time(at: number, ms: number): void {
    let bucket = 0
    while (bucket < durationBoundsMs.length && ms > durationBoundsMs[bucket]!) bucket++
    this.#values[at]! += ms
    this.#values[at + 1 + bucket]!++
  }
}

/** The sum over all threads. */
export class SdkCounts {
  readonly #sums: Float64Array = new Float64Array(fields)

  constructor(threads: readonly Float64Array[]) {
    for (const values of threads) for (const [index, value] of values.entries()) this.#sums[index]! += value
  }

  calls(platform: number, outcome: number): number {
    return this.#sums[platform * sdkOutcomes.length + outcome]!
  }

  source(index: number): number {
    return this.#sums[Field.sources + index]!
  }

  batches(index: number): number {
    return this.#sums[Field.batches + index]!
  }

  get attempts(): number {
    return this.#sums[Field.attempts]!
  }

  get dropped(): number {
    return this.#sums[dropped]!
  }

  get nativeRetries(): number {
    return this.#sums[nativeRetries]!
  }

  histogram(of: 'duration' | 'queue'): { readonly sumMs: number; readonly buckets: readonly number[] } {
    const at = of === 'duration' ? durations : queues
    return { sumMs: this.#sums[at]!, buckets: Array.from(this.#sums.subarray(at + 1, at + histogramFields)) }
  }
}

/** The last of them stands for all that are not among them. */
function placeOf(names: readonly string[], name: string): number {
  const place = names.indexOf(name)
  return place === -1 ? names.length - 1 : place
}
