import type { ColumnMerge } from './replication/merge-rule.ts'
import type { ReplicationDatabaseConfig } from './providers/replication-database.ts'
import type { ReplicationLogConfig } from './providers/replication-log.ts'

/** How this site's data reaches the others, and theirs this one. Times in milliseconds, sizes in bytes. */
export interface ReplicationConfig {
  /** Where this site's replicator listens: peers, applications and people ask it. Default `127.0.0.1:9910`. */
  readonly listen: string
  /** What everybody has to show who asks; needed where `listen` is not loopback. */
  readonly token?: string
  /** The replicator of every site, this one included; each is a key of `sites`. */
  readonly sites: Readonly<Record<string, ReplicationSiteConfig>>
  readonly database: ReplicationDatabaseConfig
  readonly log: ReplicationLogConfig
  /** How long a peer may take to acknowledge a `sync` write. Default 2000. */
  readonly peerTimeout: number
  /** When it does not: no `sync` write is acknowledged, or those are that are durable here, announced. Default `block`. */
  readonly onPeerLoss: 'block' | 'degrade'
  /** Most events that wait for the log. Default 1 000 000. */
  readonly outbox: number
  /** What travels, by name. */
  readonly tables: Readonly<Record<string, ReplicatedTableConfig>>
}

/** Another site's replicator, or this one's. */
export interface ReplicationSiteConfig {
  /** Where the others reach it, such as `http://10.0.1.5:9910`. */
  readonly url: string
}

/** One table whose changes travel. */
export interface ReplicatedTableConfig {
  /** The service that writes it; absent: none in particular. */
  readonly service?: string
  /** How changes of one row by two sites become one. Default `owner`. */
  readonly rule: ReplicatedTableRule
  /** With `owner`: which site owns a row. */
  readonly owner?: RowOwnerConfig
  /** With `crdt`: how columns merge; others by the later stamp. */
  readonly columns?: Readonly<Record<string, ColumnMerge>>
  /** With `callback`: a module that exports `merge`, relative to the configuration file. */
  readonly module?: string
  /** `async`: a write is acknowledged once it is durable here. `sync`: once the peers have it. Default `async`. */
  readonly durability: 'async' | 'sync'
  /** Of its shape at this site; events of a higher one pause the table. Default 1. */
  readonly schemaVersion: number
}

/** One of the names of rules. */
export type ReplicatedTableRule = 'owner' | 'last-writer' | 'fields' | 'crdt' | 'callback' | 'park'

/** A row belongs to one of these sites, by a column or its key: whole numbers modulo their count, texts by hash. */
export interface RowOwnerConfig {
  /** Absent: the row's key. */
  readonly column?: string
  readonly sites: readonly string[]
}
