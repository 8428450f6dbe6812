import type { BudaoEvent, EndpointReport, GatewayReport, ServiceReport } from '@budao/model'

const closed = { state: 'closed', calls: 40, failures: 0, slow: 0 } as const

/** An endpoint that gets traffic, with what a test says otherwise. */
export function endpoint(
  address: string,
  site: string,
  changes: Partial<EndpointReport> = {},
): EndpointReport {
  return {
    address,
    site,
    release: 'stable',
    weight: 1,
    state: 'usable',
    healthy: true,
    lastCheckError: '',
    ejectedForMs: 0,
    breaker: closed,
    inFlight: 1,
    requestsTotal: 6_000,
    failuresTotal: 0,
    requestsPerSecond: 119.25,
    failuresPerSecond: 0,
    p99Ms: 9.5,
    latencyMs: 3.4,
    origin: 'configured',
    resolvedFrom: '',
    leaseMs: null,
    ...changes,
  }
}

/** The service `shop` with these endpoints. */
export function shop(
  endpoints: readonly EndpointReport[],
  changes: Partial<ServiceReport> = {},
): ServiceReport {
  return {
    name: 'shop',
    mode: 'multi-active',
    balance: 'least-request',
    state: 'up',
    panic: false,
    breaker: closed,
    retryTokens: 10,
    inFlight: 3,
    limit: 1024,
    waiting: 0,
    shed: { critical: 0, high: 0, normal: 0, low: 0 },
    requestsPerSecond: 238.5,
    failuresPerSecond: 0,
    p99Ms: 9.5,
    endpoints,
    ...changes,
  }
}

/** A gateway before two sites, everything up, with what a test says otherwise. */
export function report(changes: Partial<GatewayReport> = {}): GatewayReport {
  return {
    node: { name: 'gw-1', site: 'east' },
    version: '0.1.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    state: 'serving',
    snapshot: { version: 4, appliedAt: '2026-01-01T00:00:00.000Z', source: 'budao.yaml' },
    refused: null,
    workers: [{ id: 0, state: 'serving', restarts: 0 }],
    listeners: [],
    sites: [
      {
        name: 'east',
        state: 'up',
        usable: 1,
        total: 1,
        inFlight: 1,
        requestsPerSecond: 120,
        failuresPerSecond: 0,
      },
      {
        name: 'west',
        state: 'up',
        usable: 1,
        total: 1,
        inFlight: 1,
        requestsPerSecond: 118,
        failuresPerSecond: 0,
      },
    ],
    services: [shop([endpoint('a:1', 'east'), endpoint('b:1', 'west')])],
    routes: [route('shop-api', 1_000)],
    names: [],
    drains: [],
    connections: { downstream: 0, upstream: 0, upstreamIdle: 0 },
    rateWindowMs: 5_000,
    requestsPerSecond: 238.5,
    requestsTotal: 1_000,
    ...changes,
  }
}

/** A route that answered so many requests, the last ones as said. */
export function route(
  name: string,
  requestsTotal: number,
  { errors = 0, fallbacks = 0, retries = 0 } = {},
): GatewayReport['routes'][number] {
  return {
    name,
    requestsTotal,
    requestsPerSecond: 238.5,
    status: { '2xx': requestsTotal - errors, '3xx': 0, '4xx': 0, '5xx': errors },
    retries,
    fallbacks,
    p50Ms: 3.2,
    p99Ms: 12,
  }
}

export function event(seq: number, changes: Partial<BudaoEvent> = {}): BudaoEvent {
  return {
    seq,
    at: '2026-01-01T12:00:00.000Z',
    kind: 'endpoint.unhealthy',
    severity: 'warning',
    subject: 'b:1',
    message: `event ${seq}`,
    evidence: { misses: 3 },
    ...changes,
  }
}
