import { durationBoundsMs } from './metrics.ts'

/** How a call of the gateway's own ended: the class of its status, or why it has none. */
export const callOutcomes = ['2xx', '3xx', '4xx', '5xx', 'failed', 'late', 'unusable', 'skipped'] as const

/**
 * failed    no endpoint gave a complete answer
 * late      it did not in time
 * unusable  the answer was too large or not what the part must be
 * skipped   not begun: too many under way, or nothing to ask for
 */
export type CallOutcome = (typeof callOutcomes)[number]

/** What calls may ever be named in the life of one process: their counters keep their place. */
export const CALL_ROWS_MAX = 1_024

const Field = { durationMs: callOutcomes.length, buckets: callOutcomes.length + 1 } as const
const rowFields = Field.buckets + durationBoundsMs.length + 1

/** Counters of the parts of aggregate routes and of mirrors, at the end of a thread's counters. */
export class CallMetrics {
  readonly #values: Float64Array

  static bytes: number = CALL_ROWS_MAX * rowFields * Float64Array.BYTES_PER_ELEMENT

  /** `buffer` is the thread's, with `bytes` at its end for these. */
  constructor(buffer: ArrayBufferLike) {
    this.#values = new Float64Array(buffer, buffer.byteLength - CallMetrics.bytes)
  }

  ended(row: number, outcome: CallOutcome, durationMs: number): void {
    const base = row * rowFields
    this.#values[base + callOutcomes.indexOf(outcome)]!++
    if (outcome === 'skipped') return
    this.#values[base + Field.durationMs]! += durationMs
    let bucket = 0
    while (bucket < durationBoundsMs.length && durationMs > durationBoundsMs[bucket]!) bucket++
    this.#values[base + Field.buckets + bucket]!++
  }

  /** The place of a row's counters, for adding up. */
  read(row: number): Float64Array {
    return this.#values.subarray(row * rowFields, (row + 1) * rowFields)
  }
}

export interface CallCounts {
  readonly outcomes: Readonly<Record<CallOutcome, number>>
  readonly durationMs: number
  /** As `durationBoundsMs`, and one for the rest. */
  readonly buckets: readonly number[]
}

/** The sum of one row over the threads of a process. */
export function readCalls(threads: readonly ArrayBufferLike[], row: number): CallCounts {
  const sums = new Float64Array(rowFields)
  for (const buffer of threads)
    for (const [index, value] of new CallMetrics(buffer).read(row).entries()) sums[index]! += value
  const counts = callOutcomes.map((outcome, index) => [outcome, sums[index]!] as const)
  return {
    outcomes: Object.fromEntries(counts) as Record<CallOutcome, number>,
    durationMs: sums[Field.durationMs]!,
    buckets: Array.from(sums.subarray(Field.buckets)),
  }
}

/** The class of a status as an outcome. */
export function outcomeOf(status: number): CallOutcome {
  return callOutcomes[Math.min(3, Math.max(0, Math.floor(status / 100) - 2))]!
}
