import type { GatewayReport } from '@budao/model'
import type { ResolutionCounts } from './endpoints/resolved-names.ts'
import { Exposition } from './exposition.ts'
import type { ListenerField } from './listener-metrics.ts'
import { durationBoundsMs, type MetricsReader } from './metrics.ts'
import { writeOverload } from './overload-metrics.ts'
import type { Service } from './service.ts'
import type { StoreCounts } from './store-status.ts'

/** What the endpoints' directory has counted since the start. */
export interface DirectoryCounts {
  readonly resolutions: readonly ResolutionCounts[]
  readonly expirations: ReadonlyMap<string, number>
}

/** Writes the counters in Prometheus' text format 0.0.4. Durations in seconds, as its conventions want. */
export function prometheusText(
  report: GatewayReport,
  reader: MetricsReader,
  routeRows: Readonly<Record<string, number>>,
  listener: (name: string, field: ListenerField) => number,
  stores: Readonly<Record<string, StoreCounts>>,
  directory: DirectoryCounts,
  services: Iterable<Service>,
): string {
  const text = new Exposition()
  const global = reader.global()
  text.family('budao_gateway_info', 'gauge', 'Version and place of this gateway; always 1.')
  text.sample({ version: report.version, node: report.node.name, site: report.node.site }, 1)
  text.family('budao_gateway_snapshot_version', 'gauge', 'Number of the snapshot in force.')
  text.sample({}, report.snapshot.version)
  text.family('budao_gateway_connections_accepted_total', 'counter', 'Client connections accepted.')
  text.sample({}, global.accepted)
  text.family(
    'budao_gateway_connections_refused_total',
    'counter',
    'Client connections closed unread because of a limit.',
  )
  text.sample({}, global.connectionsRefused)
  text.family('budao_gateway_connections', 'gauge', 'Open connections.')
  text.sample({ side: 'downstream' }, global.downstreamOpen)
  text.sample({ side: 'upstream' }, global.upstreamOpen)
  text.sample({ side: 'upstream-idle' }, global.upstreamIdle)
  text.family(
    'budao_gateway_refused_requests_total',
    'counter',
    'Requests refused before they had a route, by error code.',
  )
  for (const [code, count] of global.refused) text.sample({ code }, count)
  text.family('budao_gateway_unrouted_requests_total', 'counter', 'Requests answered without a route.')
  text.sample({}, global.unrouted)
  writeListeners(text, report, listener)
  writeRoutes(text, reader, routeRows)
  writeServices(text, report)
  writeOverload(text, [...services], reader)
  writeStores(text, stores)
  writeDirectory(text, report, directory)
  return text.toString()
}

function writeListeners(
  text: Exposition,
  { listeners, certificates }: GatewayReport,
  count: (name: string, field: ListenerField) => number,
): void {
  const secure = listeners.filter(({ protocol }) => protocol === 'https')
  text.family(
    'budao_gateway_listener_accepted_total',
    'counter',
    'Connections taken, behind their handshake.',
  )
  for (const { name } of listeners) text.sample({ listener: name }, count(name, 'accepted'))
  text.family(
    'budao_gateway_listener_refused_total',
    'counter',
    'Connections closed unread because of a limit.',
  )
  for (const { name } of listeners) text.sample({ listener: name }, count(name, 'refused'))
  text.family('budao_gateway_tls_handshakes_total', 'counter', 'TLS handshakes of clients, by result.')
  for (const { name } of secure) {
    text.sample({ listener: name, result: 'full' }, count(name, 'handshakesFull'))
    text.sample({ listener: name, result: 'resumed' }, count(name, 'handshakesResumed'))
    text.sample({ listener: name, result: 'failed' }, count(name, 'handshakesFailed'))
  }
  text.family(
    'budao_tls_certificate_expiry_seconds',
    'gauge',
    'Time until a certificate shown to clients expires; negative once it has.',
  )
  for (const { listener, source, hosts, expiresInSeconds } of certificates)
    text.sample({ listener, source, host: hosts[0] ?? '' }, expiresInSeconds)
}

function writeRoutes(text: Exposition, reader: MetricsReader, rows: Readonly<Record<string, number>>): void {
  const routes = Object.entries(rows).map(([route, row]) => ({ route, ...reader.route(row) }))
  text.family(
    'budao_gateway_requests_total',
    'counter',
    'Requests answered, by route and class of status; 499: the client went away.',
  )
  for (const { route, status, aborted } of routes) {
    for (const [index, count] of status.entries()) text.sample({ route, status: `${index + 2}xx` }, count)
    text.sample({ route, status: '499' }, aborted)
  }
  text.family('budao_gateway_retries_total', 'counter', 'Attempts beyond the first.')
  for (const { route, retries } of routes) text.sample({ route }, retries)
  text.family('budao_gateway_fallbacks_total', 'counter', 'Answers given by a fallback.')
  for (const { route, fallbacks } of routes) text.sample({ route }, fallbacks)
  text.family(
    'budao_gateway_request_duration_seconds',
    'histogram',
    'From the head of a request to the end of its answer.',
  )
  for (const { route, buckets, durationMs, requests } of routes) {
    let below = 0
    for (const [index, bound] of durationBoundsMs.entries()) {
      below += buckets[index]!
      text.sample({ route, le: String(bound / 1_000) }, below, '_bucket')
    }
    text.sample({ route, le: '+Inf' }, requests, '_bucket')
    text.sample({ route }, durationMs / 1_000, '_sum')
    text.sample({ route }, requests, '_count')
  }
}

function writeServices(text: Exposition, { services }: GatewayReport): void {
  const endpoints = services.flatMap(({ name, endpoints: own }) =>
    own.map((endpoint) => ({
      labels: { service: name, endpoint: endpoint.address, site: endpoint.site },
      endpoint,
    })),
  )
  text.family('budao_gateway_service_in_flight', 'gauge', 'Requests under way.')
  for (const { name, inFlight } of services) text.sample({ service: name }, inFlight)
  text.family(
    'budao_gateway_service_panic',
    'gauge',
    '1 while health is ignored because too few endpoints are usable.',
  )
  for (const { name, panic } of services) text.sample({ service: name }, panic ? 1 : 0)
  text.family('budao_gateway_service_retry_tokens', 'gauge', 'Retries the budget has left.')
  for (const { name, retryTokens } of services) text.sample({ service: name }, retryTokens)
  text.family(
    'budao_gateway_breaker_open',
    'gauge',
    '1 while the breaker rejects, 0.5 while it tries, 0 while it is closed.',
  )
  for (const { name, breaker } of services)
    text.sample({ service: name, endpoint: '' }, openness(breaker.state))
  for (const { labels, endpoint } of endpoints)
    text.sample({ service: labels.service, endpoint: labels.endpoint }, openness(endpoint.breaker.state))
  text.family('budao_gateway_endpoint_usable', 'gauge', '1 while the endpoint gets traffic.')
  for (const { labels, endpoint } of endpoints) text.sample(labels, endpoint.state === 'usable' ? 1 : 0)
  text.family('budao_gateway_endpoint_in_flight', 'gauge', 'Attempts under way.')
  for (const { labels, endpoint } of endpoints) text.sample(labels, endpoint.inFlight)
  text.family('budao_gateway_endpoint_attempts_total', 'counter', 'Attempts begun.')
  for (const { labels, endpoint } of endpoints) text.sample(labels, endpoint.requestsTotal)
  text.family(
    'budao_gateway_endpoint_failures_total',
    'counter',
    'Attempts that failed: no connection, reset, timeout, 502, 503 or 504.',
  )
  for (const { labels, endpoint } of endpoints) text.sample(labels, endpoint.failuresTotal)
}

function writeStores(text: Exposition, stores: Readonly<Record<string, StoreCounts>>): void {
  const counts = Object.entries(stores)
  if (counts.length === 0) return
  text.family('budao_gateway_store_up', 'gauge', '1 while every worker finds the store there.')
  for (const [store, { here }] of counts) text.sample({ store }, here ? 1 : 0)
  text.family(
    'budao_gateway_store_calls_total',
    'counter',
    'Calls by what became of them: answered, failed, or skipped because the store was away.',
  )
  for (const [store, { answered, failed, passed }] of counts) {
    text.sample({ store, result: 'answered' }, answered)
    text.sample({ store, result: 'failed' }, failed)
    text.sample({ store, result: 'skipped' }, passed)
  }
}

function writeDirectory(
  text: Exposition,
  { names, services }: GatewayReport,
  directory: DirectoryCounts,
): void {
  text.family(
    'budao_gateway_dns_resolutions_total',
    'counter',
    'Resolutions of a name, by what became of them.',
  )
  for (const { name, answered, failed } of directory.resolutions) {
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
      text.sample(
        { service: name, origin },
        endpoints.filter((endpoint) => endpoint.origin === origin).length,
      )
    }
  }
  text.family(
    'budao_gateway_lease_expirations_total',
    'counter',
    'Leases that ended unrenewed, their endpoints removed.',
  )
  for (const { name } of services) text.sample({ service: name }, directory.expirations.get(name) ?? 0)
}

function openness(state: string): number {
  if (state === 'open' || state === 'forced-open') return 1
  return state === 'half-open' ? 0.5 : 0
}
