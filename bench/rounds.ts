import type { LoadErrors } from './wrk.ts'

/** One contender under load for one round. Nothing is known of CPU and memory when there is no proxy. */
export interface Round {
  readonly round: number
  readonly contender: string
  readonly requests: number
  readonly seconds: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly errors: LoadErrors
  readonly proxy: ProxyUsage | null
}

export interface ProxyUsage {
  /** User and system time of the whole process tree, divided by requests answered. */
  readonly cpuMicrosPerRequest: number
  /** Of one core. Well under 100: the load's core was the limit, and requests/s says little about the proxy. */
  readonly busyPercent: number
  readonly rssBytes: number
  readonly peakRssBytes: number
  readonly processes: number
}

export function countErrors(errors: LoadErrors): number {
  return errors.connect + errors.read + errors.write + errors.timeout + errors.status
}
