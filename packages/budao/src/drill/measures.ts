import type { Sample } from './load.ts'

/** Milliseconds; null without requests. */
export interface Latency {
  readonly requests: number
  readonly p50: number | null
  readonly p99: number | null
  readonly max: number | null
}

/** What users got of one kind of request. */
export interface RequestCounts {
  readonly sent: number
  /** By a backend, with 2xx or 3xx. */
  readonly ok: number
  /** By the gateway's fallback. */
  readonly degraded: number
  readonly failed: number
  /** Of those answered: took longer than `slowMs`. */
  readonly slow: number
}

/** From when requests failed until they did no more. */
export interface Outage {
  /** When the first request that failed was due, from the fault. */
  readonly firstFailureMs: number
  /** From there to the end of the first success that was due later; null: there was none. */
  readonly firstSuccessMs: number | null
  /** From there to the end of the last request that failed: what a recovery time has to be held against. */
  readonly rtoMs: number
  readonly failed: number
}

/** Requests that ended in one stretch of the run. */
export interface Bucket {
  readonly ok: number
  readonly degraded: number
  readonly failed: number
  /** Slowest answer, milliseconds; null without one. */
  readonly maxMs: number | null
}

export function isFailure({ outcome }: Pick<Sample, 'outcome'>): boolean {
  return outcome !== 'ok' && outcome !== 'degraded'
}

export function latencyOf({ dueMs, endMs }: Sample): number {
  return endMs - dueMs
}

export function counts(samples: readonly Sample[], slowMs: number): RequestCounts {
  const of = (outcome: Sample['outcome']): number =>
    samples.filter((sample) => sample.outcome === outcome).length
  return {
    sent: samples.length,
    ok: of('ok'),
    degraded: of('degraded'),
    failed: samples.filter(isFailure).length,
    slow: samples.filter((sample) => !isFailure(sample) && latencyOf(sample) > slowMs).length,
  }
}

/** Failed requests by kind. */
export function failuresOf(samples: readonly Sample[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { outcome } of samples.filter(isFailure)) found[outcome] = (found[outcome] ?? 0) + 1
  return found
}

/** Null when nothing that ended after the fault had failed. */
export function outage(samples: readonly Sample[], faultMs: number): Outage | null {
  const failed = samples.filter((sample) => sample.endMs >= faultMs && isFailure(sample))
  if (failed.length === 0) return null
  const firstMs = failed.reduce((least, { dueMs }) => Math.min(least, dueMs), Infinity)
  const lastMs = failed.reduce((most, { endMs }) => Math.max(most, endMs), -Infinity)
  const again = samples.reduce(
    (least, { outcome, dueMs, endMs }) =>
      outcome === 'ok' && dueMs > firstMs ? Math.min(least, endMs) : least,
    Infinity,
  )
  return {
    firstFailureMs: round(firstMs - faultMs),
    firstSuccessMs: again === Infinity ? null : round(again - firstMs),
    rtoMs: round(lastMs - firstMs),
    failed: failed.length,
  }
}

/** The longest time in which nothing was answered by a backend. Start and end of the run count as successes. */
export function longestGap(
  samples: readonly Sample[],
  startMs: number,
  endMs: number,
): { readonly ms: number; readonly atMs: number } {
  const ends = samples.filter(({ outcome }) => outcome === 'ok').map((sample) => sample.endMs)
  ends.sort((a, b) => a - b)
  let longest = { ms: 0, atMs: startMs }
  let lastMs = startMs
  for (const at of [...ends.filter((end) => end < endMs), endMs]) {
    if (at - lastMs > longest.ms) longest = { ms: at - lastMs, atMs: lastMs }
    lastMs = at
  }
  return longest
}

/**
 * True when a write was acknowledged in an older epoch than one that had been acknowledged before it was even sent: then
 * two places took writes at once. Null when no answer named an epoch.
 */
export function olderEpochAccepted(writes: readonly Sample[]): boolean | null {
  const taken = writes.filter(({ outcome, epoch }) => outcome === 'ok' && epoch !== undefined)
  if (taken.length === 0) return null
  const units = Map.groupBy(taken, ({ unit }) => unit)
  return [...units.values()].some(takenInOlderEpoch)
}

/** Of one unit: epochs of different units have nothing to do with each other. */
function takenInOlderEpoch(taken: readonly Sample[]): boolean {
  const byEnd = taken.toSorted((a, b) => a.endMs - b.endMs)
  let acknowledged = 0
  let newest = -Infinity
  for (const { dueMs, epoch } of taken.toSorted((a, b) => a.dueMs - b.dueMs)) {
    while (acknowledged < byEnd.length && byEnd[acknowledged]!.endMs < dueMs)
      newest = Math.max(newest, byEnd[acknowledged++]!.epoch!)
    if (epoch! < newest) return true
  }
  return false
}

/** Nearest rank: a value that was measured, never one between two. */
export function latency(samples: readonly Sample[]): Latency {
  const sorted = Float64Array.from(samples, latencyOf).toSorted()
  const rank = (share: number): number | null => {
    const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
    return value === undefined ? null : round(value)
  }
  return { requests: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) }
}

/** Widths that people read easily, milliseconds. */
const widths = [50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000]
const bucketsMax = 120

/** How wide a stretch is, so that a run has no more of them than a picture can show. */
export function bucketWidth(durationMs: number): number {
  return widths.find((width) => durationMs / width <= bucketsMax) ?? widths.at(-1)!
}

/** The run in stretches of `everyMs`, by when requests ended; what ended after the run is in the last one. */
export function buckets(
  samples: readonly Sample[],
  startMs: number,
  endMs: number,
  everyMs: number,
): readonly Bucket[] {
  const empty = { ok: 0, degraded: 0, failed: 0, maxMs: null as number | null }
  const found = Array.from({ length: Math.max(1, Math.ceil((endMs - startMs) / everyMs)) }, () => ({
    ...empty,
  }))
  for (const sample of samples) {
    const at = Math.floor((sample.endMs - startMs) / everyMs)
    const bucket = found[Math.max(0, Math.min(found.length - 1, at))]!
    if (isFailure(sample)) bucket.failed++
    else bucket[sample.outcome as 'ok' | 'degraded']++
    if (!isFailure(sample)) bucket.maxMs = Math.max(bucket.maxMs ?? 0, round(latencyOf(sample)))
  }
  return found
}

/** To 10 µs: more digits say nothing. */
export function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
