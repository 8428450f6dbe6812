import type { DrillAbortConfig, GatewayReport } from '@budao/model'
import type { Sample } from './load.ts'
import { isFailure } from './measures.ts'

/** So few requests say nothing, as for a breaker. */
const requestsMin = 20

/** Requests of one time: those that ended, and those that should have. */
export interface RecentRequests {
  readonly ended: readonly Sample[]
  readonly overdue: number
}

/** Why the drill has to be broken off now; null: it may go on. Pure. */
export function abortReason(
  { failedPercent, over }: DrillAbortConfig,
  recent: readonly RecentRequests[],
  report: GatewayReport | null,
): string | null {
  const ended = recent.flatMap((one) => one.ended)
  const overdue = recent.reduce((sum, one) => sum + one.overdue, 0)
  const all = ended.length + overdue
  const failed = ended.filter(isFailure).length + overdue
  if (all >= requestsMin && failed * 100 >= all * failedPercent) {
    return `${failed} of the drill's ${all} requests of the last ${over / 1000} s failed: at most ${failedPercent} % may`
  }
  if (report === null || report.rateWindowMs > over) return null
  for (const { name, requestsPerSecond, failuresPerSecond } of report.services) {
    const requests = (requestsPerSecond * report.rateWindowMs) / 1000
    if (requests < requestsMin || failuresPerSecond * 100 < requestsPerSecond * failedPercent) continue
    const share = Math.round((failuresPerSecond / requestsPerSecond) * 100)
    return `${share} % of all users' requests to ${name} failed: at most ${failedPercent} % may`
  }
  return null
}
