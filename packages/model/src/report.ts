import type { PriorityName } from './config.ts'

/**
 * What a gateway says of itself: read by the admin API, the console and `budao status`.
 * Rates are averages over the last `rateWindowMs` milliseconds.
 */
export interface GatewayReport {
  readonly node: { readonly name: string; readonly site: string }
  readonly version: string
  /** Wall-clock start, ISO 8601 in UTC. */
  readonly startedAt: string
  readonly state: 'starting' | 'serving' | 'draining'
  readonly snapshot: { readonly version: number; readonly appliedAt: string; readonly source: string }
  /** The last configuration that was refused after the snapshot in force, if any. */
  readonly refused: { readonly at: string; readonly problems: readonly string[] } | null
  readonly workers: readonly WorkerReport[]
  readonly listeners: readonly {
    readonly name: string
    readonly address: string
    readonly protocol: string
  }[]
  /** Those shown to clients. */
  readonly certificates: readonly CertificateReport[]
  readonly sites: readonly SiteReport[]
  readonly services: readonly ServiceReport[]
  readonly routes: readonly RouteReport[]
  /** Names that stand for endpoints, and what is known of them. */
  readonly names: readonly NameReport[]
  /** What a person has taken out of the traffic. */
  readonly drains: readonly DrainReport[]
  readonly connections: {
    readonly downstream: number
    readonly upstream: number
    readonly upstreamIdle: number
  }
  readonly rateWindowMs: number
  readonly requestsPerSecond: number
  readonly requestsTotal: number
}

/** One thread of a gateway. */
export interface WorkerReport {
  readonly id: number
  readonly state: 'starting' | 'serving' | 'draining' | 'crashed'
  readonly restarts: number
}

/** A certificate that a listener shows. */
export interface CertificateReport {
  readonly listener: string
  /** Its file, or what else it comes from. */
  readonly source: string
  readonly hosts: readonly string[]
  readonly issuer: string
  /** ISO 8601 in UTC. */
  readonly expiresAt: string
  /** Negative once it has expired. */
  readonly expiresInSeconds: number
}

/** One site, over all services. */
export interface SiteReport {
  readonly name: string
  /** Of the endpoints that carry it and are not draining: up: all usable; degraded: some; down: none. drained: all are draining. */
  readonly state: 'up' | 'degraded' | 'down' | 'drained'
  readonly usable: number
  readonly total: number
  readonly inFlight: number
  readonly requestsPerSecond: number
  readonly failuresPerSecond: number
}

/** States of a circuit breaker, the two forced by a person included. */
export type BreakerStateName = 'closed' | 'open' | 'half-open' | 'forced-open' | 'forced-closed'

/** A circuit breaker and what its window holds. */
export interface BreakerReport {
  readonly state: BreakerStateName
  /** Counts of the rolling window. */
  readonly calls: number
  readonly failures: number
  readonly slow: number
}

/** One service. Rates per second. */
export interface ServiceReport {
  readonly name: string
  readonly mode: string
  readonly balance: string
  /** Of the endpoints that are not draining: up: all usable; degraded: some, or panic; down: none. */
  readonly state: 'up' | 'degraded' | 'down'
  /** True while so few endpoints are healthy that health is ignored. */
  readonly panic: boolean
  readonly breaker: BreakerReport
  readonly retryTokens: number
  readonly inFlight: number
  /** Most in flight at this moment: `limits.concurrency`, or less where the limit is adaptive. */
  readonly limit: number
  /** Requests that wait for a place. */
  readonly waiting: number
  /** Requests turned away since the start, by class. */
  readonly shed: Readonly<Record<PriorityName, number>>
  readonly requestsPerSecond: number
  /** What clients saw as failures: no answer, 5xx, and what was not let in. */
  readonly failuresPerSecond: number
  /** Of the last ten seconds, milliseconds; null without samples. */
  readonly p99Ms: number | null
  readonly endpoints: readonly EndpointReport[]
  /** Who may write where; null for a service without `failover`. */
  readonly ownership: OwnershipReport | null
}

/** What a gateway knows of who may write to a service. */
export interface OwnershipReport {
  readonly units: readonly OwnedUnitReport[]
}

/** One unit of a service, as a gateway obeys it. */
export interface OwnedUnitReport {
  readonly unit: string
  /** The newest epoch known, 0 before the first, and the site that has it. */
  readonly epoch: number
  readonly owner: string | null
  /** Sites that reads go to; empty: all. */
  readonly readers: readonly string[]
  /** Writes need a lease; false with active-active. */
  readonly leased: boolean
  /** This gateway accepts writes now. */
  readonly held: boolean
  /** How long it may without another renewal, milliseconds. */
  readonly remainingMs: number
  /** Writes under way here. */
  readonly writing: number
}

/** One endpoint of a service. Times in milliseconds, rates per second. */
export interface EndpointReport {
  readonly address: string
  readonly site: string
  readonly release: string
  /** Its site is judged by it: false of a release without which its site serves all users as well. */
  readonly carries: boolean
  readonly weight: number
  /**
   * usable: gets traffic; unhealthy: by active checks; ejected: by passive evidence; open: its breaker answers in its place;
   * draining: a person has taken it out.
   */
  readonly state: 'usable' | 'unhealthy' | 'ejected' | 'open' | 'draining'
  /** Stands in the file with this address, was resolved from a name in it, or has registered. */
  readonly origin: 'configured' | 'resolved' | 'registered'
  /** The `address` of the file that was resolved; empty otherwise. */
  readonly resolvedFrom: string
  /** Milliseconds until the lease of a registered endpoint ends; 0 when it ended and is kept as the last usable one; null without a lease. */
  readonly leaseMs: number | null
  /** What it said of itself when it registered; absent where it said nothing. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly healthy: boolean
  /** Why the last check failed, empty when it passed or there is none. */
  readonly lastCheckError: string
  /** Milliseconds until an ejection ends; 0 when not ejected. */
  readonly ejectedForMs: number
  readonly breaker: BreakerReport
  readonly inFlight: number
  readonly requestsTotal: number
  readonly failuresTotal: number
  readonly requestsPerSecond: number
  readonly failuresPerSecond: number
  /** Of the last ten seconds' attempts, milliseconds; null without samples. */
  readonly p99Ms: number | null
  /** Moving average of the time to the response head, milliseconds. */
  readonly latencyMs: number
}

/** One name of the configuration that is resolved. */
export interface NameReport {
  /** As the configuration writes it, without the port. */
  readonly name: string
  /** fresh: answered within its time; stale: the last good answer is kept; failed: there never was one. */
  readonly state: 'fresh' | 'stale' | 'failed'
  /** How many endpoints it stands for. */
  readonly addresses: number
  /** Since the last good answer, milliseconds; null when there never was one in this process. */
  readonly ageMs: number | null
  /** Why the last resolution failed; empty when it did not. */
  readonly problem: string
}

/** An endpoint or a whole site that a person drains, and how far that is. */
export interface DrainReport {
  /** Exactly one of the two is not null. */
  readonly site: string | null
  readonly endpoint: string | null
  /** With `endpoint`: only in this service; null: in all. */
  readonly service: string | null
  /** Wall clock, ISO 8601 in UTC. */
  readonly since: string
  readonly reason: string
  /** Endpoints in force that it holds for; 0 when there is none for now. */
  readonly endpoints: number
  /** Their requests under way: 0 when it is done. */
  readonly inFlight: number
}

/** One route. Times in milliseconds, rates per second. */
export interface RouteReport {
  readonly name: string
  readonly requestsTotal: number
  readonly requestsPerSecond: number
  /** Answers by class since start. */
  readonly status: {
    readonly '2xx': number
    readonly '3xx': number
    readonly '4xx': number
    readonly '5xx': number
  }
  readonly retries: number
  readonly fallbacks: number
  /** Of the last minutes' histogram, milliseconds; null without samples. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}
