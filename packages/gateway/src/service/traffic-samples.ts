import { quantileMs } from '../metrics/metrics.ts'
import type { Endpoint, Service } from './service.ts'

/** Rates look back over so many samples, percentiles over all that are kept; there is one a second. */
const RATE_SAMPLES = 5
const SAMPLES_MAX = 10
const SHORTEST_MS = 500

interface Counts {
  readonly requests: number
  readonly failures: number
  readonly buckets: readonly number[]
}

/** What has lately happened at a service or an endpoint. Rates per second. */
export interface LateTraffic {
  readonly requestsPerSecond: number
  readonly failuresPerSecond: number
  /** Milliseconds; null without samples. */
  readonly p99Ms: number | null
}

/** Counters of services and endpoints as they were, so that what they are now says something of the last seconds. */
export class TrafficSamples {
  readonly #samples: { readonly at: number; readonly counts: ReadonlyMap<string, Counts> }[] = []

  /** Call once a second. */
  take(services: Iterable<Service>, now: number): void {
    const counts = new Map<string, Counts>()
    for (const service of services) {
      counts.set(service.name, countsOf(service))
      for (const endpoint of service.endpoints) counts.set(keyOf(service, endpoint), countsOf(endpoint))
    }
    this.#samples.push({ at: now, counts })
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift()
  }

  ofService(service: Service, now: number): LateTraffic {
    return this.#late(service.name, countsOf(service), now)
  }

  ofEndpoint(service: Service, endpoint: Endpoint, now: number): LateTraffic {
    return this.#late(keyOf(service, endpoint), countsOf(endpoint), now)
  }

  #late(key: string, current: Counts, now: number): LateTraffic {
    const sample = this.#samples.at(-RATE_SAMPLES) ?? this.#samples[0]
    const seconds =
      sample === undefined || now - sample.at < SHORTEST_MS ? Infinity : (now - sample.at) / 1_000
    const before = sample?.counts.get(key)
    const oldest = this.#samples[0]?.counts.get(key)?.buckets
    return {
      requestsPerSecond: Math.max(0, current.requests - (before?.requests ?? 0)) / seconds,
      failuresPerSecond: Math.max(0, current.failures - (before?.failures ?? 0)) / seconds,
      p99Ms: quantileMs(
        current.buckets.map((count, bucket) => count - (oldest?.[bucket] ?? 0)),
        0.99,
      ),
    }
  }
}

function keyOf({ name }: Service, { address }: Endpoint): string {
  return `${name} ${address}`
}

/** Of a service: requests and what clients saw as failures, those that were not let in among them. Of an endpoint: attempts. */
function countsOf(one: Service | Endpoint): Counts {
  const { counters } = one
  const buckets = counters.buckets()
  if ('load' in one) return { requests: one.load.requests, failures: one.load.failures, buckets }
  const shed = one.shedCounts().reduce((sum, count) => sum + count, 0)
  const rejected = shed + counters.sum('breakerRejected')
  const failures = counters.sum('failure') + rejected
  return { requests: counters.sum('success') + counters.sum('cancelled') + failures, failures, buckets }
}
