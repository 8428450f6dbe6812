import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { CompareAndSetResult, CoordinationStore, Versioned } from '@budao/model'

/** Where the records are, and how often other processes' changes are looked for. */
export interface SqliteCoordinationOptions {
  /** A file on a disk of this machine: the locks of network file systems do not hold what is promised here. */
  readonly path: string
  /** How often a watch looks, milliseconds. Default 50. */
  readonly pollMs?: number
  /** How long another process may hold the file, milliseconds. Default 200: the event loop stands still meanwhile. */
  readonly busyMs?: number
}

const sqliteBusy = 5
/** The same while it is held for longer than that: whoever holds it may be stopped, and nobody’s loop is to stand still with it. */
const heldMs = 10

interface Row {
  readonly key: string
  readonly version: number
  readonly value: string
}

/**
 * Coordination for the controllers of one machine: one file, every change on the disk before it is told. A version is the
 * number of the change in the whole file, so that a watch asks for what is newer than the last it saw.
 */
export class SqliteCoordination implements CoordinationStore {
  readonly #db: DatabaseSync
  readonly #pollMs: number
  readonly #one: StatementSync
  readonly #newer: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #watches: Set<Watch> = new Set()
  readonly #busyMs: number
  #held = false

  constructor({ path, pollMs = 50, busyMs = 200 }: SqliteCoordinationOptions) {
    this.#pollMs = pollMs
    this.#busyMs = busyMs
    this.#db = new DatabaseSync(path, { timeout: busyMs })
    // FULL: a commit that is lost with the power would give an epoch to two sites.
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    this.#db.exec(
      `CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) STRICT;
       CREATE UNIQUE INDEX IF NOT EXISTS records_version ON records (version)`,
    )
    const next = '(SELECT coalesce(max(version), 0) + 1 FROM records)'
    this.#one = this.#db.prepare('SELECT key, version, value FROM records WHERE key = ?')
    this.#newer = this.#db.prepare(
      'SELECT key, version, value FROM records WHERE version > ? AND substr(key, 1, ?) = ? ORDER BY version',
    )
    this.#insert = this.#db.prepare(
      `INSERT INTO records (key, version, value) VALUES (?, ${next}, ?) ON CONFLICT DO NOTHING RETURNING version`,
    )
    this.#update = this.#db.prepare(
      `UPDATE records SET version = ${next}, value = ? WHERE key = ? AND version = ? RETURNING version`,
    )
  }

  async get(key: string): Promise<Versioned | null> {
    return this.#read(key)
  }

  async compareAndSet(key: string, version: number, value: unknown): Promise<CompareAndSetResult> {
    const text = JSON.stringify(value)
    // One statement is one transaction: the file is held for its write and its fsync, and nothing of ours runs meanwhile.
    const stored = this.#change(() =>
      version === 0 ? this.#insert.get(key, text) : this.#update.get(text, key, version),
    )
    return { ok: stored !== undefined, current: this.#read(key) }
  }

  watch(prefix: string, onChange: (key: string, record: Versioned) => void): { close(): void } {
    let seen = 0
    const look = (): void => {
      let rows: Row[]
      try {
        rows = this.#newer.all(seen, prefix.length, prefix) as unknown as Row[]
      } catch {
        // Held by another process for longer than we wait: the next look finds the same.
        return
      }
      for (const row of rows) {
        seen = row.version
        onChange(row.key, recordOf(row))
      }
    }
    const watch: Watch = { timer: setInterval(look, this.#pollMs) }
    watch.timer.unref()
    this.#watches.add(watch)
    queueMicrotask(() => this.#watches.has(watch) && look())
    return { close: () => this.#end(watch) }
  }

  close(): void {
    for (const watch of this.#watches) this.#end(watch)
    this.#db.close()
  }

  #end(watch: Watch): void {
    clearInterval(watch.timer)
    this.#watches.delete(watch)
  }

  #change<T>(run: () => T): T {
    try {
      const done = run()
      this.#wait(false)
      return done
    } catch (error) {
      if ((error as { errcode?: number }).errcode === sqliteBusy) this.#wait(true)
      throw error
    }
  }

  #wait(held: boolean): void {
    if (held === this.#held) return
    this.#held = held
    this.#db.exec(`PRAGMA busy_timeout = ${held ? Math.min(heldMs, this.#busyMs) : this.#busyMs}`)
  }

  #read(key: string): Versioned | null {
    const row = this.#one.get(key) as unknown as Row | undefined
    return row === undefined ? null : recordOf(row)
  }
}

interface Watch {
  readonly timer: NodeJS.Timeout
}

function recordOf({ version, value }: Row): Versioned {
  return { version, value: JSON.parse(value) as unknown }
}
