import type { BrokerAccessConfig } from './broker-access.ts'

/** Which product takes the records: exactly one key. */
export interface LogSinkKind {
  readonly kafka?: KafkaSinkConfig
  readonly elasticsearch?: ElasticsearchSinkConfig
  readonly loki?: LokiSinkConfig
  readonly otlp?: OtlpSinkConfig
}

/** A topic; one message a record, as JSON with the names of the Elastic Common Schema. */
export interface KafkaSinkConfig extends BrokerAccessConfig {
  /** `host:port`, some of the cluster. */
  readonly brokers: readonly string[]
  readonly topic: string
}

/** `_bulk`, which OpenSearch and VictoriaLogs take too. */
export interface ElasticsearchSinkConfig {
  readonly url: string
  /** `{yyyy.MM.dd}` is the day of the record in UTC. Default `budao-logs-{yyyy.MM.dd}`. */
  readonly index: string
  /** Sent with each request, `authorization` for example. */
  readonly headers: Readonly<Record<string, string>>
}

/** Loki's push, as JSON. */
export interface LokiSinkConfig {
  readonly url: string
  /** Attributes that become labels; few values each, for Loki makes a stream of every combination. */
  readonly labels: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

/** OTLP over HTTP, as JSON. */
export interface OtlpSinkConfig {
  /** With its path, such as `http://127.0.0.1:4318/v1/logs`. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}
