import {
  carryingEndpoints,
  priorityNames,
  type BreakerReport,
  type CertificateReport,
  type Config,
  type EndpointConfig,
  type EndpointReport,
  type GatewayReport,
  type RouteReport,
  type ServiceReport,
  type SiteReport,
  type Snapshot,
} from '@budao/model'
import type { CircuitBreaker, Clock } from '@budao/resilience'
import { quantileMs, type MetricsReader } from './metrics.ts'
import type { Endpoint, Service } from '../service/service.ts'
import type { Rollouts } from '../routing/rollouts.ts'
import { TrafficSamples } from '../service/traffic-samples.ts'

/** Rates look back this far, latencies as far as samples are kept. */
const RATE_SAMPLES = 5
const SAMPLES_MAX = 60
const SAMPLE_MS = 1_000

export interface ReportInput {
  readonly snapshot: Snapshot
  readonly state: GatewayReport['state']
  readonly services: ReadonlyMap<string, Service>
  readonly routeRows: Readonly<Record<string, number>>
  readonly workers: GatewayReport['workers']
  readonly addresses: Readonly<Record<string, string>>
  readonly certificates: readonly CertificateReport[]
  lastError(service: string, address: string): string
  /** Milliseconds until the lease of a registered endpoint ends; null without one. */
  leaseMs(service: string, address: string): number | null
  metadata(service: string, address: string): Readonly<Record<string, string>> | undefined
  ownership(service: Service): ServiceReport['ownership']
  readonly names: GatewayReport['names']
  readonly drains: GatewayReport['drains']
}

interface RouteSample {
  readonly requests: number
  readonly buckets: readonly number[]
}

interface Sample {
  readonly at: number
  /** Those that had been asked by then. */
  readonly routes: ReadonlyMap<string, RouteSample>
}

/** Puts together what the gateway says of itself, from the counters of its threads and samples of them once a second. */
export class GatewayReporter {
  readonly #clock: Clock
  readonly #reader: MetricsReader
  readonly #version: string
  readonly #node: Config['node']
  readonly #rollouts: Pick<Rollouts, 'carrying'>
  readonly #startedAt = new Date().toISOString()
  readonly #samples: Sample[] = []
  readonly #traffic = new TrafficSamples()

  constructor(
    clock: Clock,
    reader: MetricsReader,
    version: string,
    { node }: Pick<Config, 'node'>,
    rollouts: Pick<Rollouts, 'carrying'>,
  ) {
    this.#clock = clock
    this.#rollouts = rollouts
    this.#reader = reader
    this.#version = version
    this.#node = node
  }

  /** Call once a second. */
  sample(services: ReadonlyMap<string, Service>, routeRows: Readonly<Record<string, number>>): void {
    const before = this.#samples.at(-1)?.routes
    const routes = new Map<string, RouteSample>()
    // Of thousands of routes most are quiet: what has not been asked is not kept, and what has not changed is kept once.
    for (const name in routeRows) {
      const row = routeRows[name]!
      const requests = this.#reader.requests(row)
      if (requests === 0) continue
      const last = before?.get(name)
      routes.set(name, last?.requests === requests ? last : { requests, buckets: this.#reader.buckets(row) })
    }
    const now = this.#clock.now()
    this.#traffic.take(services.values(), now)
    this.#samples.push({ at: now, routes })
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift()
  }

  report(input: ReportInput): GatewayReport {
    const now = this.#clock.now()
    const { config } = input.snapshot
    const carrying = this.#rollouts.carrying()
    const services = [...input.services.values()].map((service) => {
      const { endpoints } = service.config
      const carriers = new Set(carryingEndpoints(endpoints, carrying.get(service.name)))
      return this.#service(service, carriers, input, now)
    })
    const routes = config.routes.map(({ name }) => this.#route(name, input.routeRows[name]!, now))
    const { downstreamOpen, upstreamOpen, upstreamIdle } = this.#reader.global()
    return {
      node: { name: this.#node.name, site: this.#node.site },
      version: this.#version,
      startedAt: this.#startedAt,
      state: input.state,
      snapshot: {
        version: input.snapshot.version,
        appliedAt: input.snapshot.createdAt,
        source: input.snapshot.source,
      },
      refused: null,
      workers: input.workers,
      listeners: config.listeners.map(({ name, address, protocol }) => ({
        name,
        address: input.addresses[name] ?? address,
        protocol,
      })),
      certificates: input.certificates,
      sites: Object.keys(config.sites).map((name) => siteReport(name, services)),
      services,
      routes,
      names: input.names,
      drains: input.drains,
      connections: { downstream: downstreamOpen, upstream: upstreamOpen, upstreamIdle },
      rateWindowMs: RATE_SAMPLES * SAMPLE_MS,
      requestsPerSecond: routes.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0),
      requestsTotal: routes.reduce((sum, { requestsTotal }) => sum + requestsTotal, 0),
    }
  }

  #service(
    service: Service,
    carriers: ReadonlySet<EndpointConfig>,
    input: ReportInput,
    now: number,
  ): ServiceReport {
    const endpoints = service.endpoints.map((endpoint, index) => ({
      ...this.#endpoint(service, endpoint, index, input, now),
      carries: carriers.has(endpoint.config),
    }))
    const panic = service.set.panic(now)
    return {
      name: service.name,
      mode: service.config.mode,
      balance: service.config.balance,
      state: serviceState(endpoints, panic),
      panic,
      breaker: breakerReport(service.breaker, now),
      retryTokens: service.budget.tokens(now),
      inFlight: service.bulkhead.inFlight,
      limit: service.limit,
      waiting: service.waiting,
      shed: Object.fromEntries(
        priorityNames.map((name, rank) => [name, service.shed.sum(rank)]),
      ) as ServiceReport['shed'],
      ...this.#traffic.ofService(service, now),
      endpoints,
      ownership: input.ownership(service),
    }
  }

  #endpoint(
    service: Service,
    endpoint: Endpoint,
    index: number,
    input: ReportInput,
    now: number,
  ): Omit<EndpointReport, 'carries'> {
    const breaker = breakerReport(endpoint.breaker, now)
    const verdict = service.set.state(index, now)
    const { address, site, load } = endpoint
    // Whose time has come gets the next request as its trial: without one it would look shut for ever where nobody asks.
    const shut = (endpoint.breaker?.retryAfterMs(now) ?? 0) > 0
    const registered = endpoint.config.origin?.kind === 'registered'
    const metadata = registered ? input.metadata(service.name, address) : undefined
    return {
      address,
      site,
      release: endpoint.config.release,
      weight: endpoint.config.weight,
      state: service.set.isDraining(index)
        ? 'draining'
        : verdict !== 'usable'
          ? verdict
          : shut
            ? 'open'
            : 'usable',
      origin: endpoint.config.origin?.kind ?? 'configured',
      resolvedFrom: endpoint.config.origin?.name ?? '',
      leaseMs: registered ? input.leaseMs(service.name, address) : null,
      ...(metadata === undefined ? {} : { metadata }),
      healthy: service.set.health(index) !== 'unhealthy',
      lastCheckError: input.lastError(service.name, address),
      ejectedForMs: Math.round(service.set.ejectedForMs(index, now)),
      breaker,
      inFlight: load.inFlight(),
      requestsTotal: load.requests,
      failuresTotal: load.failures,
      ...this.#traffic.ofEndpoint(service, endpoint, now),
      latencyMs: load.lastLatencyMs,
    }
  }

  #route(name: string, row: number, now: number): RouteReport {
    const counts = this.#reader.route(row)
    const before = this.#samples[0]?.routes.get(name)?.buckets
    const recent = counts.buckets.map((count, i) => count - (before?.[i] ?? 0))
    const [ok, redirected, refused, failed] = counts.status
    return {
      name,
      requestsTotal: counts.requests,
      requestsPerSecond: this.#rate(now, counts.requests, ({ routes }) => routes.get(name)?.requests),
      status: { '2xx': ok, '3xx': redirected, '4xx': refused, '5xx': failed },
      retries: counts.retries,
      fallbacks: counts.fallbacks,
      p50Ms: quantileMs(recent, 0.5),
      p99Ms: quantileMs(recent, 0.99),
    }
  }

  #rate(now: number, count: number, before: (sample: Sample) => number | undefined): number {
    const sample = this.#samples.at(-RATE_SAMPLES) ?? this.#samples[0]
    if (sample === undefined || now - sample.at < SAMPLE_MS / 2) return 0
    return Math.max(0, count - (before(sample) ?? 0)) / ((now - sample.at) / 1_000)
  }
}

function breakerReport(breaker: CircuitBreaker | null, now: number): BreakerReport {
  return breaker === null
    ? { state: 'closed', calls: 0, failures: 0, slow: 0 }
    : { state: breaker.state(now), ...breaker.counts(now) }
}

/** What a person has taken out on purpose is no sign of trouble, as long as something else serves. */
function serviceState(endpoints: readonly EndpointReport[], panic: boolean): ServiceReport['state'] {
  const usable = endpoints.filter(({ state }) => state === 'usable').length
  if (usable === 0) return 'down'
  const serving = endpoints.filter(({ state }) => state !== 'draining').length
  return usable < serving || panic ? 'degraded' : 'up'
}

function siteReport(name: string, services: readonly ServiceReport[]): SiteReport {
  const endpoints = services.flatMap((service) => service.endpoints).filter(({ site }) => site === name)
  return {
    name,
    state: siteState(endpoints.filter(({ carries }) => carries)),
    usable: endpoints.filter(({ state }) => state === 'usable').length,
    total: endpoints.length,
    requestsPerSecond: endpoints.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0),
    failuresPerSecond: endpoints.reduce((sum, { failuresPerSecond }) => sum + failuresPerSecond, 0),
    inFlight: endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0),
  }
}

function siteState(endpoints: readonly EndpointReport[]): SiteReport['state'] {
  const usable = endpoints.filter(({ state }) => state === 'usable').length
  const serving = endpoints.filter(({ state }) => state !== 'draining').length
  if (serving === 0 && endpoints.length > 0) return 'drained'
  if (usable === serving) return 'up'
  return usable === 0 ? 'down' : 'degraded'
}
