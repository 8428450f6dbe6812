import type { SecretConfig } from '../config-serve.ts'

/** Where leases, leadership and moves under way are kept: one place for all nodes. */
export type CoordinationConfig = SqliteCoordinationConfig | EtcdCoordinationConfig

/** A file, for nodes of one machine. */
export interface SqliteCoordinationConfig {
  readonly type: 'sqlite'
  /** Relative to the configuration file. */
  readonly path: string
}

/** etcd v3, for nodes of several machines. */
export interface EtcdCoordinationConfig {
  readonly type: 'etcd'
  /** Base URLs of its members. */
  readonly endpoints: readonly string[]
  /** In front of every key. */
  readonly prefix: string
  /** Longest wait for one answer of one member, milliseconds. Default 500. */
  readonly timeout: number
  /** With `password`. Absent: none is asked for. */
  readonly user?: string
  readonly password?: SecretConfig
  /** PEM files, relative to the configuration file, for `https:`. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}
