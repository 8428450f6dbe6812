import type { Outcome, Sample } from '../packages/budao/src/drill/load.ts'

/** What users of an open-loop load saw. Times in milliseconds, from when a request was due to its end. */
export interface LoadSummary {
  readonly sent: number
  readonly ok: number
  readonly degraded: number
  readonly failed: number
  /** Failures by kind. */
  readonly failures: Readonly<Partial<Record<Outcome, number>>>
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Between two answers that were `ok` or `degraded`. */
  readonly longestGapMs: number
}

export function summarize(samples: readonly Sample[]): LoadSummary {
  const failures: Partial<Record<Outcome, number>> = {}
  let ok = 0
  let degraded = 0
  let longestGapMs = 0
  let lastAnswerMs: number | undefined
  for (const { outcome, endMs } of samples.toSorted((a, b) => a.endMs - b.endMs)) {
    if (outcome !== 'ok' && outcome !== 'degraded') {
      failures[outcome] = (failures[outcome] ?? 0) + 1
      continue
    }
    if (outcome === 'ok') ok++
    else degraded++
    if (lastAnswerMs !== undefined) longestGapMs = Math.max(longestGapMs, endMs - lastAnswerMs)
    lastAnswerMs = endMs
  }
  const waits = samples.map(({ dueMs, endMs }) => endMs - dueMs).toSorted((a, b) => a - b)
  const at = (share: number): number => waits[Math.ceil(waits.length * share) - 1] ?? 0
  return {
    sent: samples.length,
    ok,
    degraded,
    failed: samples.length - ok - degraded,
    failures,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    longestGapMs,
  }
}

export function summaryText(what: string, summary: LoadSummary): string {
  const { sent, ok, degraded, failed, failures, p50Ms, p99Ms, maxMs, longestGapMs } = summary
  const kinds = Object.entries(failures).map(([kind, count]) => `${kind} ${count}`)
  return [
    `${what}: ${sent} requests, ${ok} ok, ${degraded} by fallback, ${failed} failed`,
    kinds.length === 0 ? '' : ` (${kinds.join(', ')})`,
    `; p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, worst ${maxMs.toFixed(1)} ms`,
    `, longest gap ${longestGapMs.toFixed(0)} ms`,
  ].join('')
}
