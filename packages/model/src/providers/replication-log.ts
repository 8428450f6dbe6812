import type { BrokerAccessConfig } from './broker-access.ts'

/** The event log of each site: exactly one key, which says what it is. */
export type ReplicationLogConfig =
  | { readonly embedded: EmbeddedLogConfig }
  | { readonly kafka: KafkaLogConfig }

/** Files of the replicator's own, served to the peers. */
export interface EmbeddedLogConfig {
  /** Most it may take on the disk, bytes; an alarm is at 80 %. Default 4 GiB. */
  readonly bytesMax: number
  /** A file of it is closed beyond this, bytes. Default 64 MiB. */
  readonly segmentBytes: number
  /** Entries older than this are removed, read or not. Default 7 days. */
  readonly keep: number
}

/** A topic for each site, on brokers that belong to it. */
export interface KafkaLogConfig extends BrokerAccessConfig {
  /** By site: some of the brokers of its cluster, as `host:port`. */
  readonly brokers: Readonly<Record<string, readonly string[]>>
  /** Followed by a hyphen and the site. Default `budao-changes`. */
  readonly topic: string
  /** Of topics that are made. Default 1: transactions stay whole. */
  readonly partitions: number
}
