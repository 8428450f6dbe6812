import type { EndpointReport, ServiceReport, SiteReport } from '@budao/model'

const closed = { state: 'closed', calls: 40, failures: 0, slow: 0 } as const

/** An endpoint that gets traffic, with what a test says otherwise. */
export function sampleEndpoint(
  address: string,
  site: string,
  changes: Partial<EndpointReport> = {},
): EndpointReport {
  return {
    address,
    site,
    release: 'stable',
    carries: true,
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
export function sampleService(
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
    ownership: null,
    endpoints,
    ...changes,
  }
}

/** A site with one endpoint that can be used. */
export function sampleSite(name: string, changes: Partial<SiteReport> = {}): SiteReport {
  return {
    name,
    state: 'up',
    usable: 1,
    total: 1,
    inFlight: 1,
    requestsPerSecond: 120,
    failuresPerSecond: 0,
    ...changes,
  }
}
