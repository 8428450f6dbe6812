/** Where spans of exchanges go. */
export interface TracingConfig {
  /** `service.name` of the spans. Default budao. */
  readonly serviceName: string
  readonly otlp: OtlpConfig
}

/** A collector that speaks OTLP over HTTP with JSON. */
export interface OtlpConfig {
  /** The whole address of its traces, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string
  /** Share of the traces that begin here, 0 to 1; of others their beginner decides. Default 0.01. */
  readonly sampleRatio: number
  /** Sent with every request to it, such as a token. */
  readonly headers: Readonly<Record<string, string>>
}
