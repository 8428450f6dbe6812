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
  /** up: every endpoint usable; degraded: some; down: none. */
  readonly state: 'up' | 'degraded' | 'down'
  readonly usable: number
  readonly total: number
  readonly requestsPerSecond: number
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
  /** up: every endpoint usable; degraded: some, or panic; down: none. */
  readonly state: 'up' | 'degraded' | 'down'
  /** True while so few endpoints are healthy that health is ignored. */
  readonly panic: boolean
  readonly breaker: BreakerReport
  readonly retryTokens: number
  readonly inFlight: number
  readonly requestsPerSecond: number
  readonly endpoints: readonly EndpointReport[]
}

/** One endpoint of a service. Times in milliseconds, rates per second. */
export interface EndpointReport {
  readonly address: string
  readonly site: string
  readonly release: string
  readonly weight: number
  /** usable: gets traffic; unhealthy: by active checks; ejected: by passive evidence; open: its breaker is open. */
  readonly state: 'usable' | 'unhealthy' | 'ejected' | 'open'
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
  /** Moving average of the time to the response head, milliseconds. */
  readonly latencyMs: number
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
