import { callOutcomes, type CallCounts } from './call-metrics.ts'
import type { CallName } from './call-rows.ts'
import type { Exposition } from './exposition.ts'
import type { FaultCounts } from './fault-counts.ts'
import { durationBoundsMs } from './metrics.ts'

/** Parts of aggregate routes and mirrors, where there are any. */
export function writeCalls(text: Exposition, calls: readonly (CallName & CallCounts)[]): void {
  if (calls.length === 0) return
  text.family(
    'budao_gateway_calls_total',
    'counter',
    'Calls of the gateway’s own: parts of aggregate routes and mirrored requests, by how they ended.',
  )
  for (const { route, kind, part, outcomes } of calls)
    for (const outcome of callOutcomes) text.sample({ route, kind, part, outcome }, outcomes[outcome])
  text.family(
    'budao_gateway_call_duration_seconds',
    'histogram',
    'From the start of such a call to the end of its answer.',
  )
  for (const { route, kind, part, buckets, durationMs } of calls) {
    let below = 0
    for (const [index, count] of buckets.entries()) {
      below += count
      const bound = durationBoundsMs[index]
      const le = bound === undefined ? '+Inf' : String(bound / 1_000)
      text.sample({ route, kind, part, le }, below, '_bucket')
    }
    text.sample({ route, kind, part }, durationMs / 1_000, '_sum')
    text.sample({ route, kind, part }, below, '_count')
  }
}

/** What fault filters have done, where there are any. */
export function writeFaults(text: Exposition, faults: readonly FaultCounts[]): void {
  if (faults.length === 0) return
  text.family(
    'budao_gateway_faults_total',
    'counter',
    'Requests that a fault filter made wait or fail on purpose, or let go because too many waited.',
  )
  for (const { route, kind, count } of faults) text.sample({ route, kind }, count)
}
