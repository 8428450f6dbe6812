import type { Connection } from 'mysql2/promise'

// Keys and ids are compared byte by byte, whatever the database's own collation. Rows of `budao_rows` outlive the rows they
// are about: they are the tombstones. The outbox is always empty: a row of it is written and removed in one transaction, and
// stands in the binlog alone, in the order of commits.
const options = 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin'
const statements = [
  `CREATE TABLE IF NOT EXISTS budao_outbox (
     pos BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, event LONGTEXT NOT NULL) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_rows (
     tbl VARCHAR(64) NOT NULL, row_key VARCHAR(512) NOT NULL, version LONGTEXT NOT NULL, row_hash CHAR(32) NOT NULL,
     deleted_at BIGINT NULL, PRIMARY KEY (tbl, row_key), KEY (deleted_at)) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_seen (
     origin VARCHAR(64) NOT NULL, id VARCHAR(255) NOT NULL, at BIGINT NOT NULL,
     PRIMARY KEY (origin, id), KEY (at)) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_watermarks (
     origin VARCHAR(64) NOT NULL, part INT NOT NULL, log_id VARCHAR(64) NOT NULL, next BIGINT NOT NULL,
     PRIMARY KEY (origin, part)) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_heartbeat (
     one TINYINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL, at BIGINT NOT NULL, heard TEXT NULL) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_epochs (
     origin VARCHAR(191) NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_sources (
     name VARCHAR(64) NOT NULL PRIMARY KEY, position TEXT NOT NULL) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_state (
     name VARCHAR(64) NOT NULL PRIMARY KEY, value LONGTEXT NOT NULL) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_paused (
     tbl VARCHAR(64) NOT NULL PRIMARY KEY, detail TEXT NOT NULL) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_dead_letters (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, origin VARCHAR(64) NOT NULL, tx_id VARCHAR(255) NOT NULL,
     tbl VARCHAR(255) NOT NULL, row_key VARCHAR(1024) NOT NULL, at CHAR(24) NOT NULL, reason VARCHAR(32) NOT NULL,
     detail TEXT NOT NULL, attempts INT NOT NULL DEFAULT 1, event LONGTEXT NOT NULL) ${options}`,
  `CREATE TABLE IF NOT EXISTS budao_conflicts (
     id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, tbl VARCHAR(64) NOT NULL, row_key VARCHAR(512) NOT NULL,
     at CHAR(24) NOT NULL, rule VARCHAR(16) NOT NULL, winner VARCHAR(8) NOT NULL, local LONGTEXT NULL,
     remote LONGTEXT NOT NULL, result LONGTEXT NULL, undone TINYINT NOT NULL DEFAULT 0) ${options}`,
]

/** Makes what replication keeps in the application's database, at this site alone: it never travels. */
export async function prepareMariadb(connection: Connection): Promise<void> {
  for (const statement of statements) await connection.query(statement)
}
