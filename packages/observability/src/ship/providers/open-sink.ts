import type { BrokerAccess, LogSinkKind } from '@budao/model'
import type { LogSink } from '../log-sink.ts'

/** Opens what a configuration names; only that is loaded. */
export async function openSink(
  { kafka, elasticsearch, loki, otlp }: LogSinkKind,
  access: BrokerAccess = {},
): Promise<LogSink> {
  if (kafka !== undefined) return (await import('./kafka-sink.ts')).kafkaSink(kafka, access)
  if (elasticsearch !== undefined)
    return (await import('./elasticsearch-sink.ts')).elasticsearchSink(elasticsearch)
  if (loki !== undefined) return (await import('./loki-sink.ts')).lokiSink(loki)
  return (await import('./otlp-sink.ts')).otlpSink(otlp!)
}
