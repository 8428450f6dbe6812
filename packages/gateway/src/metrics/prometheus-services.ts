import type { EndpointReport, GatewayReport, ServiceReport } from '@budao/model'
import type { ResolutionCounts } from '../endpoints/resolved-names.ts'
import type { Exposition } from './exposition.ts'
import { writeReleases } from './prometheus-releases.ts'
import type { Service } from '../service/service.ts'
import type { TrafficCounters } from '../service/traffic-counters.ts'

/** What the endpoints' directory has counted since the start. */
export interface DirectoryCounts {
  readonly resolutions: readonly ResolutionCounts[]
  readonly expirations: ReadonlyMap<string, number>
}

interface ServiceFacts {
  readonly labels: { readonly service: string }
  readonly report: ServiceReport
  readonly counters: TrafficCounters
}

interface EndpointFacts {
  readonly labels: { readonly service: string; readonly endpoint: string; readonly site: string }
  readonly report: EndpointReport
  readonly counters: TrafficCounters
}

const results = ['success', 'failure', 'cancelled'] as const

/** The families of services and endpoints: those of the snapshot in force, and no others. */
export function writeServices(
  text: Exposition,
  report: GatewayReport,
  services: ReadonlyMap<string, Service>,
): void {
  const facts = report.services.map((each): ServiceFacts => {
    const { counters } = services.get(each.name)!
    return { labels: { service: each.name }, report: each, counters }
  })
  const endpoints = report.services.flatMap(({ name, endpoints: own }) =>
    own.map((each, index): EndpointFacts => {
      const { counters } = services.get(name)!.endpoints[index]!
      return { labels: { service: name, endpoint: each.address, site: each.site }, report: each, counters }
    }),
  )
  writeServiceTraffic(text, facts)
  writeServiceState(text, facts)
  writeReleases(text, services)
  writeBreakers(text, facts, endpoints)
  writeEndpointTraffic(text, endpoints)
  writeEndpointState(text, endpoints)
}

/** The families of names and leases. */
export function writeDirectory(
  text: Exposition,
  { names, services }: GatewayReport,
  { resolutions, expirations }: DirectoryCounts,
): void {
  text.family(
    'budao_gateway_dns_resolutions_total',
    'counter',
    'Resolutions of a name, by what became of them.',
  )
  for (const { name, answered, failed } of resolutions) {
    text.sample({ name, result: 'answered' }, answered)
    text.sample({ name, result: 'failed' }, failed)
  }
  text.family(
    'budao_gateway_dns_stale',
    'gauge',
    '1 while the last good addresses of a name are kept, or none are known.',
  )
  for (const { name, state } of names) text.sample({ name }, state === 'fresh' ? 0 : 1)
  text.family(
    'budao_gateway_service_endpoints',
    'gauge',
    'Endpoints in the snapshot in force, by where they come from.',
  )
  for (const { name, endpoints } of services) {
    for (const origin of ['configured', 'resolved', 'registered']) {
      const count = endpoints.filter((endpoint) => endpoint.origin === origin).length
      text.sample({ service: name, origin }, count)
    }
  }
  text.family(
    'budao_gateway_lease_expirations_total',
    'counter',
    'Leases that ended unrenewed, their endpoints removed.',
  )
  for (const { name } of services) text.sample({ service: name }, expirations.get(name) ?? 0)
}

function writeServiceTraffic(text: Exposition, services: readonly ServiceFacts[]): void {
  text.family(
    'budao_gateway_service_requests_total',
    'counter',
    'Requests let in that have ended, all their attempts included: success, failure (no answer, or 5xx), or cancelled.',
  )
  for (const { labels, counters } of services) {
    for (const result of results) text.sample({ ...labels, result }, counters.sum(result))
  }
  text.family('budao_gateway_service_retries_total', 'counter', 'Attempts beyond the first of a request.')
  for (const { labels, counters } of services) text.sample(labels, counters.sum('retries'))
  text.family(
    'budao_gateway_service_duration_seconds',
    'histogram',
    'From the first attempt of a request to the end of its answer.',
  )
  for (const { labels, counters } of services) {
    text.histogram(labels, counters.buckets(), counters.sum('durationMs'))
  }
}

function writeServiceState(text: Exposition, services: readonly ServiceFacts[]): void {
  text.family('budao_gateway_service_in_flight', 'gauge', 'Requests under way.')
  for (const { labels, report } of services) text.sample(labels, report.inFlight)
  text.family(
    'budao_gateway_service_panic',
    'gauge',
    '1 while health is ignored because too few endpoints are usable.',
  )
  for (const { labels, report } of services) text.sample(labels, report.panic ? 1 : 0)
  text.family('budao_gateway_service_retry_tokens', 'gauge', 'Retries the budget has left.')
  for (const { labels, report } of services) text.sample(labels, report.retryTokens)
}

function writeBreakers(
  text: Exposition,
  services: readonly ServiceFacts[],
  endpoints: readonly EndpointFacts[],
): void {
  text.family(
    'budao_gateway_breaker_open',
    'gauge',
    '1 while the breaker rejects, 0.5 while it tries, 0 while it is closed.',
  )
  for (const { labels, report } of services) {
    text.sample({ ...labels, endpoint: '' }, openness(report.breaker.state))
  }
  for (const { labels, report } of endpoints) {
    text.sample({ service: labels.service, endpoint: labels.endpoint }, openness(report.breaker.state))
  }
  text.family(
    'budao_gateway_breaker_rejections_total',
    'counter',
    'Requests that an open breaker of a service did not let in.',
  )
  for (const { labels, counters } of services) text.sample(labels, counters.sum('breakerRejected'))
  text.family('budao_gateway_breaker_openings_total', 'counter', 'How often the breaker opened by its rules.')
  for (const { labels, counters } of services) {
    text.sample({ ...labels, endpoint: '' }, counters.sum('breakerOpened'))
  }
  for (const { labels, counters } of endpoints) {
    text.sample({ service: labels.service, endpoint: labels.endpoint }, counters.sum('breakerOpened'))
  }
}

function writeEndpointTraffic(text: Exposition, endpoints: readonly EndpointFacts[]): void {
  text.family('budao_gateway_endpoint_attempts_total', 'counter', 'Attempts begun.')
  for (const { labels, report } of endpoints) text.sample(labels, report.requestsTotal)
  text.family(
    'budao_gateway_endpoint_failures_total',
    'counter',
    'Attempts that failed: no connection, reset, timeout, 502, 503 or 504.',
  )
  for (const { labels, report } of endpoints) text.sample(labels, report.failuresTotal)
  text.family(
    'budao_gateway_endpoint_cancelled_total',
    'counter',
    'Attempts that nobody waited for any more, or that got no connection because too many waited.',
  )
  for (const { labels, counters } of endpoints) text.sample(labels, counters.sum('cancelled'))
  text.family(
    'budao_gateway_endpoint_duration_seconds',
    'histogram',
    'From the beginning of an attempt to the end of its answer, or its failure.',
  )
  for (const { labels, counters } of endpoints) {
    text.histogram(labels, counters.buckets(), counters.sum('durationMs'))
  }
  text.family('budao_gateway_endpoint_ejections_total', 'counter', 'Ejections by failed requests.')
  for (const { labels, counters } of endpoints) text.sample(labels, counters.sum('ejections'))
  text.family('budao_gateway_endpoint_in_flight', 'gauge', 'Attempts under way.')
  for (const { labels, report } of endpoints) text.sample(labels, report.inFlight)
  text.family(
    'budao_gateway_endpoint_connections',
    'gauge',
    'Connections to the endpoint, open and of those idle.',
  )
  for (const { labels, counters } of endpoints) {
    text.sample({ ...labels, state: 'open' }, counters.sum('open'))
    text.sample({ ...labels, state: 'idle' }, counters.sum('idle'))
  }
}

function writeEndpointState(text: Exposition, endpoints: readonly EndpointFacts[]): void {
  text.family('budao_gateway_endpoint_usable', 'gauge', '1 while the endpoint gets traffic.')
  for (const { labels, report } of endpoints) text.sample(labels, report.state === 'usable' ? 1 : 0)
  text.family('budao_gateway_endpoint_healthy', 'gauge', '0 while active checks fail.')
  for (const { labels, report } of endpoints) text.sample(labels, report.healthy ? 1 : 0)
  text.family(
    'budao_gateway_endpoint_ejected',
    'gauge',
    '1 while the endpoint is ejected for failed requests.',
  )
  for (const { labels, report } of endpoints) text.sample(labels, report.ejectedForMs > 0 ? 1 : 0)
  text.family('budao_gateway_endpoint_draining', 'gauge', '1 while a person has taken it out of the traffic.')
  for (const { labels, report } of endpoints) text.sample(labels, report.state === 'draining' ? 1 : 0)
  text.family(
    'budao_gateway_endpoint_lease_seconds',
    'gauge',
    'Until the lease of a registered endpoint ends; 0 while it is kept as the last one.',
  )
  for (const { labels, report } of endpoints) {
    if (report.leaseMs !== null) text.sample(labels, report.leaseMs / 1_000)
  }
}

function openness(state: string): number {
  if (state === 'open' || state === 'forced-open') return 1
  return state === 'half-open' ? 0.5 : 0
}
