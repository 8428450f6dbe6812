import type { GatewayReport } from '@budao/model'
import { Exposition } from './exposition.ts'
import { writeCaches } from '../cache/cache-metrics.ts'
import { cacheOutcomes } from '../cache/cache-outcome.ts'
import type { CacheCounts } from '../cache/caches.ts'
import { writeIdempotency, type KeyReport } from '../idempotency/key-metrics.ts'
import type { KeyUrlReport } from '../keys/key-fetcher.ts'
import { writeCalls, writeFaults } from './call-exposition.ts'
import type { CallCounts } from './call-metrics.ts'
import type { CallName } from './call-rows.ts'
import type { FaultCounts } from './fault-counts.ts'
import type { ListenerField } from './listener-metrics.ts'
import type { MetricsReader } from './metrics.ts'
import { writeOverload } from './overload-metrics.ts'
import { writeDirectory, writeServices, type DirectoryCounts } from './prometheus-services.ts'
import { writeServed, type ServedReport } from '../serve/serve-exposition.ts'
import { writeOwnership } from '../ownership/write-metrics.ts'
import type { Service } from '../service/service.ts'
import type { StoreCounts } from '../stores/store-status.ts'

/** Writes the counters in Prometheus' text format 0.0.4. Durations in seconds, as its conventions want. */
export function prometheusText(
  report: GatewayReport,
  reader: MetricsReader,
  routeRows: Readonly<Record<string, number>>,
  listener: (name: string, field: ListenerField) => number,
  stores: Readonly<Record<string, StoreCounts>>,
  keys: readonly KeyUrlReport[],
  directory: DirectoryCounts,
  services: ReadonlyMap<string, Service>,
  caches: Readonly<Record<string, CacheCounts>>,
  calls: readonly (CallName & CallCounts)[],
  faults: readonly FaultCounts[],
  served: ServedReport,
  keyed: KeyReport | null,
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
  text.family('budao_gateway_http2_streams', 'gauge', 'Requests under way on connections of HTTP/2.')
  text.sample({}, global.http2Streams)
  text.family(
    'budao_gateway_http2_calmed_total',
    'counter',
    'Connections of HTTP/2 closed because they cost too much: resets, PING, SETTINGS, frames that do nothing.',
  )
  text.sample({}, global.http2Calmed)
  text.family('budao_gateway_spans_total', 'counter', 'Spans of traces, sent to the collector or dropped.')
  text.sample({ result: 'exported' }, global.spansExported)
  text.sample({ result: 'dropped' }, global.spansDropped)
  text.family('budao_gateway_tunnels', 'gauge', 'Upgraded connections open, WebSocket and others.')
  text.sample({}, global.tunnels)
  text.family('budao_gateway_tunnel_bytes_total', 'counter', 'Bytes passed on in tunnels.')
  text.sample({ direction: 'in' }, global.tunnelBytesIn)
  text.sample({ direction: 'out' }, global.tunnelBytesOut)
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
  writeServices(text, report, services)
  writeOverload(text, [...services.values()], reader)
  writeStores(text, stores)
  writeKeys(text, keys)
  writeDirectory(text, report, directory)
  writeCaches(text, caches)
  writeCalls(text, calls)
  writeFaults(text, faults)
  writeServed(text, served)
  if (keyed !== null) writeIdempotency(text, keyed)
  writeOwnership(text, report, services)
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
  text.family(
    'budao_gateway_listener_connections',
    'gauge',
    'Open connections, handshakes under way included.',
  )
  for (const { name } of listeners) text.sample({ listener: name }, count(name, 'open'))
  text.family(
    'budao_gateway_listener_proxy_refused_total',
    'counter',
    'Connections closed because they did not begin with a PROXY header.',
  )
  for (const { name } of listeners) text.sample({ listener: name }, count(name, 'proxyRefused'))
  const carried = listeners.filter(({ protocol }) => protocol === 'tcp' || protocol === 'tls-passthrough')
  text.family('budao_gateway_tcp_bytes_total', 'counter', 'Bytes carried, `in` from clients, `out` to them.')
  for (const { name } of carried) {
    text.sample({ listener: name, direction: 'in' }, count(name, 'bytesIn'))
    text.sample({ listener: name, direction: 'out' }, count(name, 'bytesOut'))
  }
  text.family('budao_gateway_tcp_failed_total', 'counter', 'Connections that no endpoint took.')
  for (const { name } of carried) text.sample({ listener: name }, count(name, 'failed'))
  text.family(
    'budao_gateway_tls_unmatched_total',
    'counter',
    'Connections ended with an alert: no service takes that name, or no readable ClientHello.',
  )
  for (const { name } of carried) text.sample({ listener: name }, count(name, 'unmatched'))
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
  const cached = routes.filter(({ cache }) => cacheOutcomes.some((outcome) => cache[outcome] > 0))
  if (cached.length > 0) {
    text.family(
      'budao_gateway_cache_requests_total',
      'counter',
      'Requests of routes with a cache, by what became of them there.',
    )
    for (const { route, cache } of cached)
      for (const outcome of cacheOutcomes) text.sample({ route, outcome }, cache[outcome])
  }
  text.family(
    'budao_gateway_request_duration_seconds',
    'histogram',
    'From the head of a request to the end of its answer.',
  )
  for (const { route, buckets, durationMs } of routes) text.histogram({ route }, buckets, durationMs)
  text.family('budao_gateway_route_in_flight', 'gauge', 'Requests under way, by route.')
  for (const { route, inFlight } of routes) text.sample({ route }, inFlight)
}

function writeKeys(text: Exposition, keys: readonly KeyUrlReport[]): void {
  if (keys.length === 0) return
  text.family('budao_gateway_keys_up', 'gauge', '1 while the last fetch of a key set succeeded.')
  for (const { url, up } of keys) text.sample({ url }, up ? 1 : 0)
  text.family('budao_gateway_keys_age_seconds', 'gauge', 'Since a key set was fetched.')
  for (const { url, ageMs } of keys) if (ageMs !== null) text.sample({ url }, ageMs / 1_000)
  text.family('budao_gateway_keys_fetches_total', 'counter', 'Fetches of a key set, by result.')
  for (const { url, fetched, failed } of keys) {
    text.sample({ url, result: 'fetched' }, fetched)
    text.sample({ url, result: 'failed' }, failed)
  }
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
