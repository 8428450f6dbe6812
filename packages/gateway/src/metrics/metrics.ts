import { ranks } from '@budao/resilience'
import { cacheOutcomes, type CacheOutcome } from '../cache/cache-outcome.ts'
import { errorCodes, type ErrorCode } from '../errors.ts'
import type { AnsweredBy } from '../exchange/answered-by.ts'

/** Upper bounds of the duration histogram, milliseconds; one more bucket takes the rest. */
export const durationBoundsMs: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
]

/** Index of the bucket that a duration falls into. */
export function durationBucket(durationMs: number): number {
  let bucket = 0
  while (bucket < durationBoundsMs.length && durationMs > durationBoundsMs[bucket]!) bucket++
  return bucket
}

const codes = Object.keys(errorCodes) as ErrorCode[]

/** Places of the counters of one thread. */
const Global = {
  accepted: 0,
  downstreamOpen: 1,
  upstreamOpen: 2,
  upstreamIdle: 3,
  connectionsRefused: 4,
  unrouted: 5,
  tickAt: 10,
  http2Streams: 11,
  http2Calmed: 12,
  tunnels: 13,
  tunnelBytesIn: 14,
  tunnelBytesOut: 15,
  spansExported: 16,
  spansDropped: 17,
  refused: 18,
} as const
/** Requests that the thread turned away because it does not keep up, by class. */
const shedAt = Global.refused + codes.length
const globalFields = shedAt + ranks

/** Places within a route's row. Statuses by class from 2xx to 5xx; 499, a client that went away, on its own. */
const Field = {
  requests: 0,
  status: 1,
  aborted: 5,
  retries: 6,
  fallbacks: 7,
  durationMs: 8,
  inFlight: 9,
  cache: 10,
  buckets: 10 + cacheOutcomes.length,
} as const
const routeFields = Field.buckets + durationBoundsMs.length + 1

/** What a thread counts: plain numbers in shared memory, written by that thread alone and read when somebody asks. */
export class Metrics {
  readonly #values: Float64Array

  static bytesFor(routes: number): number {
    return (globalFields + routes * routeFields) * Float64Array.BYTES_PER_ELEMENT
  }

  constructor(buffer: ArrayBufferLike) {
    this.#values = new Float64Array(buffer)
  }

  accepted(): void {
    this.#values[Global.accepted]!++
  }

  /** A connection that was closed unread because the listener has as many as it may. */
  connectionRefused(): void {
    this.#values[Global.connectionsRefused]!++
  }

  /** A stream of HTTP/2 has come (1) or gone (-1). */
  http2Stream(by: 1 | -1): void {
    this.#values[Global.http2Streams]! += by
  }

  /** A connection of HTTP/2 was closed because it cost too much. */
  http2Calmed(): void {
    this.#values[Global.http2Calmed]!++
  }

  /** A tunnel was opened (1) or has ended (-1). */
  tunnel(by: 1 | -1): void {
    this.#values[Global.tunnels]! += by
  }

  /** Passed on in tunnels, from clients and to them. */
  tunnelBytes(received: number, sent: number): void {
    this.#values[Global.tunnelBytesIn]! += received
    this.#values[Global.tunnelBytesOut]! += sent
  }

  spans(exported: number, dropped: number): void {
    this.#values[Global.spansExported]! += exported
    this.#values[Global.spansDropped]! += dropped
  }

  /** Says that the thread is alive: monotonic milliseconds. */
  tick(now: number): void {
    this.#values[Global.tickAt] = now
  }

  connections(downstream: number, upstream: number, upstreamIdle: number): void {
    this.#values[Global.downstreamOpen] = downstream
    this.#values[Global.upstreamOpen] = upstream
    this.#values[Global.upstreamIdle] = upstreamIdle
  }

  /** A request that was refused before it had a route. */
  refused(code: ErrorCode): void {
    this.#values[Global.refused + codes.indexOf(code)]!++
  }

  /** A request that was turned away because the thread does not keep up. */
  shed(rank: number): void {
    this.#values[shedAt + rank]!++
  }

  unrouted(status: number): void {
    this.#values[Global.unrouted + Math.min(4, Math.max(0, Math.floor(status / 100) - 1))]!++
  }

  /** A request has found its route; `exchange` follows when it ends. */
  routed(row: number): void {
    this.#values[globalFields + row * routeFields + Field.inFlight]!++
  }

  exchange(row: number, status: number, durationMs: number, attempts: number, answeredBy: AnsweredBy): void {
    const values = this.#values
    const base = globalFields + row * routeFields
    values[base]!++
    if (status === 499) values[base + Field.aborted]!++
    else values[base + Field.status + Math.min(3, Math.max(0, Math.floor(status / 100) - 2))]!++
    if (attempts > 1) values[base + Field.retries]! += attempts - 1
    if (answeredBy.startsWith('fallback')) values[base + Field.fallbacks]!++
    values[base + Field.durationMs]! += durationMs
    values[base + Field.inFlight]!--
    values[base + Field.buckets + durationBucket(durationMs)]!++
  }

  /** What became of a request in the cache of its route. */
  cache(row: number, outcome: CacheOutcome): void {
    this.#values[globalFields + row * routeFields + Field.cache + cacheOutcomes.indexOf(outcome)]!++
  }
}

export interface RouteCounts {
  /** By what became of requests in the route's cache. */
  readonly cache: Readonly<Record<CacheOutcome, number>>
  requests: number
  /** 2xx, 3xx, 4xx, 5xx. */
  readonly status: [number, number, number, number]
  aborted: number
  retries: number
  fallbacks: number
  inFlight: number
  durationMs: number
  readonly buckets: number[]
}

export interface GlobalCounts {
  accepted: number
  downstreamOpen: number
  upstreamOpen: number
  upstreamIdle: number
  connectionsRefused: number
  http2Streams: number
  http2Calmed: number
  tunnels: number
  tunnelBytesIn: number
  tunnelBytesOut: number
  spansExported: number
  spansDropped: number
  /** By error code; only those above 0. */
  readonly refused: Map<ErrorCode, number>
  unrouted: number
}

/** The sum over the threads of one process. */
export class MetricsReader {
  readonly #threads: readonly Float64Array[]

  constructor(buffers: readonly ArrayBufferLike[]) {
    this.#threads = buffers.map((buffer) => new Float64Array(buffer))
  }

  global(): GlobalCounts {
    const refused = new Map<ErrorCode, number>()
    for (const [index, code] of codes.entries()) {
      const count = this.#sum(Global.refused + index)
      if (count > 0) refused.set(code, count)
    }
    let unrouted = 0
    for (let i = 0; i < 5; i++) unrouted += this.#sum(Global.unrouted + i)
    return {
      accepted: this.#sum(Global.accepted),
      downstreamOpen: this.#sum(Global.downstreamOpen),
      upstreamOpen: this.#sum(Global.upstreamOpen),
      upstreamIdle: this.#sum(Global.upstreamIdle),
      connectionsRefused: this.#sum(Global.connectionsRefused),
      http2Streams: this.#sum(Global.http2Streams),
      http2Calmed: this.#sum(Global.http2Calmed),
      tunnels: this.#sum(Global.tunnels),
      tunnelBytesIn: this.#sum(Global.tunnelBytesIn),
      tunnelBytesOut: this.#sum(Global.tunnelBytesOut),
      spansExported: this.#sum(Global.spansExported),
      spansDropped: this.#sum(Global.spansDropped),
      refused,
      unrouted,
    }
  }

  /** Requests of that class that threads turned away because they did not keep up. */
  shed(rank: number): number {
    return this.#sum(shedAt + rank)
  }

  /** Of one route, without the rest of its counts. */
  requests(row: number): number {
    return this.#sum(globalFields + row * routeFields + Field.requests)
  }

  /** Of one route: its durations, as counts between `durationBoundsMs`. */
  buckets(row: number): number[] {
    const base = globalFields + row * routeFields + Field.buckets
    return Array.from({ length: durationBoundsMs.length + 1 }, (_, i) => this.#sum(base + i))
  }

  route(row: number): RouteCounts {
    const base = globalFields + row * routeFields
    const at = (field: number): number => this.#sum(base + field)
    return {
      requests: at(Field.requests),
      status: [at(Field.status), at(Field.status + 1), at(Field.status + 2), at(Field.status + 3)],
      aborted: at(Field.aborted),
      retries: at(Field.retries),
      fallbacks: at(Field.fallbacks),
      inFlight: at(Field.inFlight),
      durationMs: at(Field.durationMs),
      cache: Object.fromEntries(
        cacheOutcomes.map((outcome, index) => [outcome, at(Field.cache + index)]),
      ) as Record<CacheOutcome, number>,
      buckets: this.buckets(row),
    }
  }

  /** When that thread was last seen alive; 0 before its first tick. */
  tickAt(thread: number): number {
    return this.#threads[thread]![Global.tickAt]!
  }

  /** A thread that died leaves its gauges behind; its successor starts from nothing open. */
  forgetGauges(thread: number): void {
    const values = this.#threads[thread]!
    values.fill(0, Global.downstreamOpen, Global.upstreamIdle + 1)
    values.fill(0, Global.tickAt, Global.http2Streams + 1)
    for (let at = globalFields + Field.inFlight; at < values.length; at += routeFields) values[at] = 0
    values[Global.tunnels] = 0
  }

  #sum(index: number): number {
    let sum = 0
    for (const values of this.#threads) sum += values[index]!
    return sum
  }
}

/** The value below which `share` (0 to 1) of the durations lie, interpolated within its bucket; null without samples. */
export function quantileMs(buckets: readonly number[], share: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let left = share * total
  for (const [index, count] of buckets.entries()) {
    const low = index === 0 ? 0 : durationBoundsMs[index - 1]!
    const high = durationBoundsMs[index] ?? low
    if (left <= count && count > 0) return low + (high - low) * (left / count)
    left -= count
  }
  return durationBoundsMs.at(-1)!
}
