/** What a route answers by itself for apps and their operators: exactly one key, which says what it is. */
export type ServeConfig = { readonly ping: PingConfig } | { readonly telemetry: TelemetryConfig }

/** 204 to whoever asks whether this gateway is there. */
export type PingConfig = Readonly<Record<never, never>>

/** Takes what apps have seen of their calls: counts it and, if wanted, writes it down. */
export interface TelemetryConfig {
  /** A file of JSON lines, relative to the configuration file; absent: calls are counted only. */
  readonly path?: string
  /** Share of the calls that is written, 0 to 1; those that failed always are. Default 1. */
  readonly sampleRatio: number
  /** Largest batch, bytes. Default 65 536. */
  readonly bytes: number
  /** Most calls in a batch. Default 100. */
  readonly calls: number
  /** Batches a second that all workers take together. Default 1000. */
  readonly rate: number
  /** Hosts of channels that are counted by name; all others are one. */
  readonly channels: readonly string[]
}
