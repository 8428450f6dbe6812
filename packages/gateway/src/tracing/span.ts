import { jsonBytes } from '../exchange/json-text.ts'
import type { ExchangeRecord, FilterRequest } from '../filters/filter.ts'

/** A try at an endpoint, as an event of its span. */
interface AttemptEvent {
  readonly at: number
  readonly endpoint: string
  readonly site: string
}

/** One exchange that is traced: from its head to the last byte of its answer. */
export class Span {
  readonly traceId: string
  readonly spanId: string
  /** Empty for the first span of a trace. */
  readonly parentId: string
  readonly #attempts: AttemptEvent[] = []

  constructor(traceId: string, spanId: string, parentId: string) {
    this.traceId = traceId
    this.spanId = spanId
    this.parentId = parentId
  }

  /** What endpoints get, so that their spans have this one as parent. */
  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-01`
  }

  attempt(now: number, { address, site }: { readonly address: string; readonly site: string }): void {
    this.#attempts.push({ at: now, endpoint: address, site })
  }

  /**
   * As an object of OTLP in JSON. Attributes follow the semantic conventions of OpenTelemetry for HTTP servers. `now` is
   * monotonic, `wallNow` the same moment since 1970, both in milliseconds.
   */
  json(request: FilterRequest, record: ExchangeRecord, now: number, wallNow: number): string {
    const wallOf = (at: number): string => nanoseconds(wallNow - (now - at))
    const { status, answeredBy, reason } = record
    const agent = request.header('user-agent')
    const attributes = [
      text('http.request.method', request.method),
      text('url.scheme', request.scheme),
      text('server.address', request.host),
      text('url.path', request.path),
      ...(request.query === '' ? [] : [text('url.query', request.query)]),
      text('network.protocol.version', request.httpVersion),
      text('client.address', request.clientIp),
      ...(agent === undefined ? [] : [text('user_agent.original', agent)]),
      integer('http.response.status_code', status),
      integer('http.request.body.size', record.requestBytes),
      integer('http.response.body.size', record.responseBytes),
      text('budao.request_id', request.requestId),
      ...(request.route === '' ? [] : [text('budao.route', request.route)]),
      ...(record.endpoint === ''
        ? []
        : [text('budao.endpoint', record.endpoint), text('budao.site', record.site)]),
      text('budao.answered_by', answeredBy),
      ...(reason === '' ? [] : [text('error.type', reason)]),
    ]
    const events = this.#attempts.map(
      ({ at, endpoint, site }, index) =>
        `{"timeUnixNano":"${wallOf(at)}","name":"attempt","attributes":[${[
          integer('budao.attempt', index + 1),
          text('budao.endpoint', endpoint),
          text('budao.site', site),
        ].join(',')}]}`,
    )
    const name = request.route === '' ? request.method : `${request.method} ${request.route}`
    return (
      `{"traceId":"${this.traceId}","spanId":"${this.spanId}"` +
      (this.parentId === '' ? '' : `,"parentSpanId":"${this.parentId}"`) +
      `,"name":${jsonBytes(name)},"kind":2` +
      `,"startTimeUnixNano":"${wallOf(request.now)}","endTimeUnixNano":"${wallOf(now)}"` +
      `,"attributes":[${attributes.join(',')}],"events":[${events.join(',')}]` +
      // Whatever a client did wrong is no error of the server's span (semantic conventions for HTTP).
      `,"status":${status >= 500 ? '{"code":2}' : '{}'}}`
    )
  }
}

function text(key: string, value: string): string {
  return `{"key":"${key}","value":{"stringValue":${jsonBytes(value)}}}`
}

function integer(key: string, value: number): string {
  return `{"key":"${key}","value":{"intValue":"${Math.round(value)}"}}`
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1_000)}000`
}

/** Spans with what is the same for all of a process: one request of OTLP. */
export function otlpRequest(
  service: string,
  { node, site }: { readonly node: string; readonly site: string },
  spans: readonly string[],
): string {
  const resource = [
    text('service.name', service),
    text('service.instance.id', node),
    text('budao.site', site),
  ]
  return `{"resourceSpans":[{"resource":{"attributes":[${resource.join(',')}]},"scopeSpans":[{"scope":{"name":"budao"},"spans":[${spans.join(',')}]}]}]}`
}
