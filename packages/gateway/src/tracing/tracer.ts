import type { TracingConfig } from '@budao/model'
import type { Random } from '@budao/resilience'
import type { ExchangeRecord, FilterRequest } from '../filters/filter.ts'
import type { RequestHead } from '../http/request-head.ts'
import { isTraceparent, RequestIdentity } from '../exchange/request-identity.ts'
import { OtlpExporter } from './otlp-exporter.ts'
import { otlpRequest, Span } from './span.ts'

/** What the outside gives a tracer. */
export interface TracerEnv {
  readonly node: string
  readonly site: string
  readonly random: Random
  /** Monotonic, and since 1970, milliseconds. */
  now(): number
  wallNow(): number
  onSpans(exported: number, dropped: number): void
  warn(message: string): void
}

/** Decides which exchanges are traced, and hands their spans to the exporter. */
export class Tracer {
  readonly #env: TracerEnv
  readonly #identity: RequestIdentity
  readonly #sampleRatio: number
  readonly #exporter: OtlpExporter

  static async create({ otlp, serviceName }: TracingConfig, env: TracerEnv): Promise<Tracer> {
    const exporter = await OtlpExporter.create({
      endpoint: otlp.endpoint,
      headers: otlp.headers,
      body: (spans) => otlpRequest(serviceName, env, spans),
      onSpans: (exported, dropped) => env.onSpans(exported, dropped),
      warn: (message) => env.warn(message),
    })
    return new Tracer(env, otlp.sampleRatio, exporter)
  }

  private constructor(env: TracerEnv, sampleRatio: number, exporter: OtlpExporter) {
    this.#env = env
    this.#identity = new RequestIdentity(env.random)
    this.#sampleRatio = sampleRatio
    this.#exporter = exporter
  }

  /**
   * The span of a request whose trace is sampled, null for others. Who began the trace has decided (W3C Trace Context
   * §2.2.3.4); where nobody has, so many of a hundred are, by the random half of the trace's id.
   */
  begin(head: RequestHead): Span | null {
    const identity = this.#identity
    const parent = head.traceparentAt === -1 ? '' : head.fields.value(head.traceparentAt)
    if (isTraceparent(parent)) {
      const sampled = (Number.parseInt(parent.slice(53), 16) & 1) === 1
      return sampled ? new Span(parent.slice(3, 35), identity.spanId(), parent.slice(36, 52)) : null
    }
    const traceId = identity.traceId()
    if (Number.parseInt(traceId.slice(24), 16) >= this.#sampleRatio * 0x1_0000_0000) return null
    return new Span(traceId, identity.spanId(), '')
  }

  end(span: Span, request: FilterRequest, record: ExchangeRecord): void {
    this.#exporter.add(span.json(request, record, this.#env.now(), this.#env.wallNow()))
  }

  close(): Promise<void> {
    return this.#exporter.close()
  }
}
