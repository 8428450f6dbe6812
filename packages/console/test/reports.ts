import type { BudaoEvent, GatewayReport } from '@budao/model'
import { sampleEndpoint, sampleService, sampleSite } from '@budao/testkit'

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
    certificates: [],
    sites: [sampleSite('east'), sampleSite('west', { requestsPerSecond: 118 })],
    services: [sampleService([sampleEndpoint('a:1', 'east'), sampleEndpoint('b:1', 'west')])],
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
