import { durationBoundsMs } from '../metrics/metrics.ts'
import { providerCallKinds } from './identity.ts'

/** What became of a login, or of a refresh. */
export const loginResults = [
  'logged-in',
  'refreshed',
  'login_code_invalid',
  'login_rate_limited',
  'login_blocked',
  'login_unavailable',
  'refresh_invalid',
] as const
export type LoginResult = (typeof loginResults)[number]

/** Most addresses of one provider. */
const placesMax = 4
const callsAt = loginResults.length
const durationsAt = callsAt + placesMax * providerCallKinds.length
const fields = durationsAt + durationBoundsMs.length + 2

/** What one thread counts of a provider. */
export class IdentityMetrics {
  readonly #values: Float64Array

  /** Numbers it needs. */
  static fields: number = fields

  constructor(values: Float64Array) {
    this.#values = values
  }

  ended(result: LoginResult, durationMs: number): void {
    this.#values[loginResults.indexOf(result)]!++
    let bucket = 0
    while (bucket < durationBoundsMs.length && durationMs > durationBoundsMs[bucket]!) bucket++
    this.#values[durationsAt]! += durationMs
    this.#values[durationsAt + 1 + bucket]!++
  }

  called(place: number, kind: (typeof providerCallKinds)[number]): void {
    this.#values[callsAt + place * providerCallKinds.length + providerCallKinds.indexOf(kind)]!++
  }
}

export interface IdentityCounts {
  readonly results: Readonly<Record<LoginResult, number>>
  calls(place: number, kind: (typeof providerCallKinds)[number]): number
  readonly durationMs: number
  /** As `durationBoundsMs`, and one for the rest. */
  readonly buckets: readonly number[]
}

/** The sum over all threads. */
export function readIdentity(threads: readonly Float64Array[]): IdentityCounts {
  const sums = new Float64Array(fields)
  for (const values of threads) for (const [index, value] of values.entries()) sums[index]! += value
  return {
    results: Object.fromEntries(loginResults.map((result, index) => [result, sums[index]!])) as Record<
      LoginResult,
      number
    >,
    calls: (place, kind) =>
      sums[callsAt + place * providerCallKinds.length + providerCallKinds.indexOf(kind)]!,
    durationMs: sums[durationsAt]!,
    buckets: Array.from(sums.subarray(durationsAt + 1)),
  }
}
