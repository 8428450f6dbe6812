import { DatabaseSync } from 'node:sqlite'

// A transaction at a site is on the disk before anybody is told: FULL syncs the WAL with each commit.
const pragmas = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF'

// Rows of `budao_rows` outlive the rows they are about: they are the tombstones.
const tables = `
  CREATE TABLE IF NOT EXISTS budao_clock (one INTEGER PRIMARY KEY CHECK (one = 1), hlc TEXT NOT NULL) STRICT;
  INSERT OR IGNORE INTO budao_clock VALUES (1, '0000000000000000');
  CREATE TABLE IF NOT EXISTS budao_outbox (
    pos INTEGER PRIMARY KEY AUTOINCREMENT, tx_id TEXT NOT NULL, event TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS budao_rows (
    tbl TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, deleted_at INTEGER,
    PRIMARY KEY (tbl, key)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS budao_tombstones ON budao_rows (deleted_at) WHERE deleted_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS budao_seen (
    origin TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (origin, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS budao_seen_at ON budao_seen (at);
  CREATE TABLE IF NOT EXISTS budao_watermarks (
    origin TEXT NOT NULL, part INTEGER NOT NULL, log_id TEXT NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (origin, part)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS budao_epochs (origin TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS budao_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS budao_paused (tbl TEXT PRIMARY KEY, detail TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS budao_dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, tx_id TEXT NOT NULL, tbl TEXT NOT NULL,
    key TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 1, event TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS budao_dead_letters_key ON budao_dead_letters (tbl, key);
  CREATE TABLE IF NOT EXISTS budao_conflicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL, rule TEXT NOT NULL,
    winner TEXT NOT NULL, local TEXT, remote TEXT NOT NULL, result TEXT, undone INTEGER NOT NULL DEFAULT 0) STRICT`

/** Opens a database file with what replication keeps in it. `busyMs`: how long another process may hold it, milliseconds. */
export function openSqlite(path: string, busyMs: number = 2000): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyMs })
  prepareSqlite(db)
  return db
}

const prepared = new WeakSet<DatabaseSync>()

/** Makes what replication needs in a database that the application has opened; once is enough for a connection. */
export function prepareSqlite(db: DatabaseSync): void {
  if (prepared.has(db)) return
  db.exec(pragmas)
  db.exec(tables)
  prepared.add(db)
}

/** Runs `work` in one transaction, or in the one that is open already. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  if (db.isTransaction) return work()
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
