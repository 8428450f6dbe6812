import { stableRelease, type ServiceConfig } from '@budao/model'
import { durationBoundsMs } from '../metrics/metrics.ts'
import { ReleaseDrill } from './release-drill.ts'

/** Buckets an octave: neighbours differ by 19 %. */
const perOctave = 4
const lowestMs = 1 / 4
/** From a quarter of a millisecond to more than two minutes. */
const buckets = 19 * perOctave + 1

/** The upper bound of a bucket of latencies, milliseconds; the last one takes the rest. */
export function latencyBoundMs(bucket: number): number {
  return lowestMs * 2 ** (bucket / perOctave)
}

const places = { requests: 0, errors: 1, fellBack: 2, durationMs: 3 } as const
const firstBucket = 4
const perWorker = firstBucket + buckets

/** What releases are compared by: sums since the start of the process. */
export interface ReleaseCounts {
  /** First attempts of requests at endpoints of the release. */
  readonly requests: number
  /** Of those, without an answer or answered 5xx. */
  readonly errors: number
  /** Requests that belonged to the release and were sent to stable, because none of its endpoints could take them. */
  readonly fellBack: number
  readonly durationMs: number
  /** Times of those with an answer, by `latencyBoundMs`. */
  readonly latencies: readonly number[]
}

/**
 * What the threads count of one release of a service, each in a row of its own. Only the first attempt of a request counts:
 * a release that makes others repeat its work must not look better by it.
 */
export class ReleaseCounters {
  /** 64-bit numbers it takes. */
  static floatsFor(workers: number): number {
    return workers * perWorker + ReleaseDrill.floats
  }

  /** What a drill makes of it. */
  readonly drill: ReleaseDrill
  readonly #all: Float64Array
  readonly #own: Float64Array

  /** `worker` is which of the threads this is, from 0. */
  constructor(floats: Float64Array, worker: number) {
    // Behind the rows of the threads.
    const rows = floats.length - ReleaseDrill.floats
    this.drill = new ReleaseDrill(floats.subarray(rows))
    this.#all = floats.subarray(0, rows)
    this.#own = floats.subarray(worker * perWorker, (worker + 1) * perWorker)
  }

  /** The first attempt of a request has ended. */
  end(answered: boolean, durationMs: number): void {
    const own = this.#own
    own[places.requests]!++
    if (!answered) {
      own[places.errors]!++
      return
    }
    own[places.durationMs]! += durationMs
    const bucket = Math.ceil(Math.log2(Math.max(durationMs, lowestMs) / lowestMs) * perOctave)
    own[firstBucket + Math.min(bucket, buckets - 1)]!++
  }

  /** A request of the release goes to stable. */
  fellBack(): void {
    this.#own[places.fellBack]!++
  }

  counts(): ReleaseCounts {
    const latencies = Array.from({ length: buckets }, (_, bucket) => this.#sum(firstBucket + bucket))
    const { requests, errors, fellBack, durationMs } = places
    return {
      requests: this.#sum(requests),
      errors: this.#sum(errors),
      fellBack: this.#sum(fellBack),
      durationMs: this.#sum(durationMs),
      latencies,
    }
  }

  /** By the bounds that the metrics of a gateway have, for its exposition. */
  static inBounds(latencies: readonly number[]): number[] {
    const sums = Array.from({ length: durationBoundsMs.length + 1 }, () => 0)
    for (const [bucket, count] of latencies.entries()) {
      const at = durationBoundsMs.findIndex((bound) => latencyBoundMs(bucket) <= bound)
      sums[at === -1 ? durationBoundsMs.length : at]! += count
    }
    return sums
  }

  #sum(place: number): number {
    let sum = 0
    for (let at = place; at < this.#all.length; at += perWorker) sum += this.#all[at]!
    return sum
  }
}

/** The counters of one release, by the site of the endpoint that was asked. */
export type SiteCounters = ReadonlyMap<string, ReleaseCounters>

/** The counters of each of a service's releases. */
export function releaseCounters(
  config: ServiceConfig,
  worker: number,
  floats: (release: string, site: string) => Float64Array,
): ReadonlyMap<string, SiteCounters> {
  const sites = sitesOf(config)
  return new Map(
    releasesOf(config).map((release) => [
      release,
      new Map(sites.map((site) => [site, new ReleaseCounters(floats(release, site), worker)])),
    ]),
  )
}

/** What all of them have counted, together. */
export function sumOfCounts(all: Iterable<ReleaseCounters>): ReleaseCounts {
  const sum = { requests: 0, errors: 0, fellBack: 0, durationMs: 0 }
  const latencies = Array.from({ length: buckets }, () => 0)
  for (const counters of all) {
    const counts = counters.counts()
    for (const key of ['requests', 'errors', 'fellBack', 'durationMs'] as const) sum[key] += counts[key]
    for (const [bucket, count] of counts.latencies.entries()) latencies[bucket]! += count
  }
  return { ...sum, latencies }
}

/** The sites of a service’s endpoints. */
export function sitesOf({ endpoints }: ServiceConfig): readonly string[] {
  return [...new Set(endpoints.map(({ site }) => site))]
}

/** The releases that a service's endpoints run, stable among them in any case. */
export function releasesOf({ endpoints }: ServiceConfig): readonly string[] {
  return [...new Set([stableRelease, ...endpoints.map(({ release }) => release)])]
}
