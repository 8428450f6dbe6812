/** The database of a site: exactly one key, which says what it is. */
export type ReplicationDatabaseConfig =
  | { readonly sqlite: { readonly path: string } }
  | { readonly mariadb: MariadbConfig }

/** A MariaDB server, one a site. */
export interface MariadbConfig {
  /** `mysql://user:password@host:3306/database`. */
  readonly url: string
  /**
   * How this site's own writes are found. binlog: the application writes as it likes, and each row has one owner. outbox:
   * it writes by `MariadbOutbox` or over HTTP, and any rule goes. Default `binlog`.
   */
  readonly capture: 'binlog' | 'outbox'
  /** GTID domain of what the replicator writes. Absent: the server's own plus 1000. */
  readonly domainId?: number
  /** Certificate authority, PEM; with it connections are encrypted. */
  readonly ca?: string
}
