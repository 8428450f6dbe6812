import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise'

/** How a site's MariaDB is reached, and which of its databases is replicated. */
export interface MariadbConnection extends Pick<
  ConnectionOptions,
  'host' | 'port' | 'user' | 'password' | 'ssl' | 'socketPath'
> {
  readonly database: string
}

/** What the driver hands out must be what the binlog holds: no number rounded, no date moved, no JSON parsed. */
export const exactValues: Pick<
  ConnectionOptions,
  'charset' | 'dateStrings' | 'timezone' | 'supportBigNumbers' | 'bigNumberStrings' | 'jsonStrings'
> = {
  charset: 'utf8mb4',
  dateStrings: true,
  timezone: 'Z',
  supportBigNumbers: true,
  bigNumberStrings: true,
  jsonStrings: true,
}

/**
 * A connection of the replicator's own. `domainId`: what it writes goes into the binlog under this GTID domain, by which
 * the source of this site knows it is not the site's own; null: not into the binlog at all.
 */
export async function connect(options: MariadbConnection, domainId?: number | null): Promise<Connection> {
  const connection = await createConnection({
    ...options,
    ...exactValues,
    multipleStatements: true,
    connectTimeout: 5000,
    enableKeepAlive: true,
  })
  try {
    await connection.query(
      `SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO',
         innodb_lock_wait_timeout = 5, autocommit = 1, tx_isolation = 'READ-COMMITTED'`,
    )
    if (domainId === null) await connection.query('SET SESSION sql_log_bin = 0')
    else if (domainId !== undefined) {
      // Triggers ask for it: what they would do has been done where the row comes from, and travels by itself.
      await connection.query('SET SESSION gtid_domain_id = ?, @budao_applying = 1', [domainId])
    }
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  }
}

/** A name in SQL. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** The number of the server's error; 0: it is another one. */
export function errnoOf(error: unknown): number {
  const { errno, sqlState } = error as { errno?: unknown; sqlState?: unknown }
  return typeof errno === 'number' && sqlState !== undefined ? errno : 0
}

/** ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_CONNECTION_KILLED. */
const passing: readonly number[] = [1040, 1053, 1205, 1213, 1927]

/** Whether the server is away or busy, rather than against what was asked. */
export function isPassing(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 0 ? (error as { fatal?: unknown }).fatal === true : passing.includes(errno)
}
