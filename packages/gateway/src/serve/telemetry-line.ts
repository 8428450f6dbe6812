import { jsonString } from '../exchange/json-text.ts'
import type { TelemetryBatch, TelemetryCall } from './telemetry-batch.ts'

/** What is the same for all calls of a route. */
export interface TelemetryPlace {
  readonly route: string
  readonly node: string
}

/** Called for each call of one batch: a line of JSON in ASCII, with its line end. */
export type TelemetryLine = (call: TelemetryCall) => string

/** Names of OpenTelemetry where it has one. `timestamp` is by the phone's clock, `budao.received_at` by this one. */
export function telemetryLines(
  batch: TelemetryBatch,
  place: TelemetryPlace,
  receivedAt: number,
): TelemetryLine {
  const constant =
    `"budao.received_at":"${new Date(receivedAt).toISOString()}"` +
    member('service.name', batch.app) +
    member('service.version', batch.appVersion) +
    member('telemetry.sdk.version', batch.sdk) +
    member('budao.platform', batch.platform) +
    member('session.id', batch.session) +
    member('budao.route', place.route) +
    member('budao.node', place.node)
  return (call) => {
    const { profile } = call
    return (
      `{"timestamp":"${new Date(call.at).toISOString()}",${constant}` +
      member('http.request.method', call.method) +
      member('url.path', withoutQuery(call.path)) +
      // Where there is a status readers make the level of that.
      (call.code !== '' && call.status === 0 ? member('log.level', 'error') : '') +
      figure('http.response.status_code', call.status) +
      member('error.type', call.code) +
      (call.errno === 0 ? '' : figure('budao.errno', call.errno)) +
      figure('http.client.request.duration_ms', call.ms) +
      figure('budao.queue_ms', call.queueMs) +
      figure('budao.attempts', call.attempts) +
      member('server.address', call.channel) +
      member('budao.source', call.source) +
      member('network.connection.type', call.net) +
      figure('budao.dns_ms', profile.dns) +
      figure('budao.connect_ms', profile.connect) +
      figure('budao.tls_ms', profile.tls) +
      figure('budao.ttfb_ms', profile.ttfb) +
      (profile.reused === undefined ? '' : `,"budao.reused":${profile.reused}`) +
      member('network.protocol.name', profile.protocol ?? '') +
      figure('budao.native_retries', profile.nativeRetries) +
      '}\n'
    )
  }
}

/** An app that sends a query all the same has sent somebody's data. */
function withoutQuery(path: string): string {
  return path.split(/[?#]/, 1)[0]!
}

function member(name: string, text: string): string {
  return text === '' ? '' : `,"${name}":${jsonString(text)}`
}

function figure(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${Math.round(value * 1_000) / 1_000}`
}
