import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { judgeClaim, maySettle, type KeyRecord } from '@budao/resilience'
import type { ClaimAnswer, FirstResult, KeyClaim, KeyOwner, Settlement } from './key-store.ts'

const SCHEMA_VERSION = 1
/** Keys that one sweep removes at most: it holds up those who wait. */
export const SWEPT_MAX = 1_000
/** What the log of the file may hold when it has been written back. */
const LOG_BYTES = 16 * 1_048_576

/** What lies in a file under one name. */
export interface KeyCounts {
  entries: number
  /** Of results, heads included. */
  bytes: number
}

/** States as they stand in the file. */
const State = { claimed: 0, uncertain: 1, kept: 2 } as const

interface Row {
  readonly state: number
  readonly fingerprint: string
  readonly owner: string
  readonly lease_until: number
  readonly expires_at: number
  readonly status: number
  readonly reason: string
  readonly lines: string
  readonly body: Uint8Array | null
  readonly bytes: number
}

/** What the outside gives a key file. */
export interface KeyFileEnv {
  /** Monotonic milliseconds: of leases, which do not outlive the process. */
  now(): number
  /** Milliseconds since 1970: of what does. */
  wallNow(): number
}

/**
 * Keys of writes and their results in one file, which only one process can have open. Everything happens in batches: what
 * was done in one is on the disk when it ends.
 */
export class KeyFile {
  readonly #db: DatabaseSync
  readonly #env: KeyFileEnv
  /** Results that were kept without their bodies for want of place, by name. */
  readonly cutShort: Map<string, number> = new Map()
  readonly #counts: Map<string, KeyCounts> = new Map()
  readonly #find: StatementSync
  readonly #claim: StatementSync
  readonly #settle: StatementSync
  readonly #remove: StatementSync
  readonly #expired: StatementSync
  readonly #abandon: StatementSync

  /** Throws when the file cannot be opened, belongs to another process, or is no file of keys. `:memory:` is none. */
  constructor(path: string, env: KeyFileEnv) {
    this.#env = env
    this.#db = new DatabaseSync(path)
    try {
      this.#open()
    } catch (error) {
      this.#db.close()
      throw error
    }
    this.#find = this.#db.prepare('SELECT * FROM keys WHERE name = ? AND id = ?')
    this.#claim = this.#db.prepare(
      `INSERT OR REPLACE INTO keys (name, id, state, fingerprint, owner, holder, lease_until, expires_at, status, reason, lines, body, bytes)
       VALUES (?, ?, ${State.claimed}, ?, ?, ?, ?, ?, 0, '', '', NULL, 0)`,
    )
    this.#settle = this.#db.prepare(
      `INSERT OR REPLACE INTO keys (name, id, state, fingerprint, owner, holder, lease_until, expires_at, status, reason, lines, body, bytes)
       VALUES (?, ?, ?, ?, '', -1, 0, ?, ?, ?, ?, ?, ?)`,
    )
    this.#remove = this.#db.prepare('DELETE FROM keys WHERE name = ? AND id = ?')
    this.#expired = this.#db.prepare('SELECT name, id, bytes FROM keys WHERE expires_at <= ? LIMIT ?')
    this.#abandon = this.#db.prepare(
      `UPDATE keys SET state = ${State.uncertain} WHERE state = ${State.claimed} AND holder = ?`,
    )
  }

  /**
   * Runs `work`, whose calls come into force together. `synced`: they outlive a loss of power too, which costs one wait for the
   * disk; what comes behind a synced batch never overtakes it.
   */
  batch(synced: boolean, work: () => void): void {
    this.#db.exec(synced ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL')
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      this.#count()
      throw error
    }
  }

  /** `holder` is whose death leaves the key uncertain. */
  claim(claim: KeyClaim, holder: number): ClaimAnswer {
    const { name, id, fingerprint, owner, leaseMs, ttlMs } = claim
    const now = this.#env.now()
    const row = this.#row(name, id)
    const verdict = judgeClaim(row && recordOf(row), claim, now)
    switch (verdict) {
      case 'replay':
        return { kind: 'kept', result: resultOf(row!) }
      case 'in-progress':
      case 'other-request':
      case 'uncertain':
        return { kind: verdict }
      case 'claim':
      case 'reclaim':
    }
    if (row === undefined && this.#of(name).entries >= claim.entriesMax) return { kind: 'full' }
    const expiresAt = this.#env.wallNow() + leaseMs + ttlMs
    this.#account(name, row, 0)
    this.#claim.run(name, id, fingerprint, owner, holder, now + leaseMs, expiresAt)
    return { kind: 'claimed', again: verdict === 'reclaim' }
  }

  /** As `KeyStore.settle`. */
  settle({ name, id, fingerprint, owner }: KeyOwner, settlement: Settlement): FirstResult | null {
    const row = this.#row(name, id)
    if (!maySettle(row && recordOf(row), owner, settlement.kind))
      return row?.state === State.kept ? resultOf(row) : null
    if (settlement.kind === 'release') {
      this.#forget(name, id, row!.bytes)
      return null
    }
    const expiresAt = this.#env.wallNow() + settlement.ttlMs
    if (settlement.kind === 'doubt') {
      this.#account(name, row, 0)
      this.#settle.run(name, id, State.uncertain, fingerprint, expiresAt, 0, '', '', null, 0)
      return null
    }
    const { status, reason, lines, body } = settlement.result
    const length = lines.length + (body?.length ?? 0)
    const fits = this.#of(name).bytes + length <= settlement.bytesMax
    const kept = fits && body !== null ? Buffer.from(body, 'latin1') : null
    const bytes = fits ? length : lines.length
    if (!fits) this.cutShort.set(name, (this.cutShort.get(name) ?? 0) + 1)
    this.#account(name, row, bytes)
    this.#settle.run(name, id, State.kept, fingerprint, expiresAt, status, reason, lines, kept, bytes)
    return null
  }

  /** Whoever holds keys by that number has died: nobody knows what became of their writes. */
  abandon(holder: number): void {
    this.#abandon.run(holder)
  }

  /** Forgets what has expired, some of it: how many keys. */
  sweep(): number {
    const rows = this.#expired.all(this.#env.wallNow(), SWEPT_MAX) as unknown as readonly {
      readonly name: string
      readonly id: string
      readonly bytes: number
    }[]
    for (const { name, id, bytes } of rows) this.#forget(name, id, bytes)
    return rows.length
  }

  counts(): ReadonlyMap<string, Readonly<KeyCounts>> {
    return this.#counts
  }

  close(): void {
    this.#db.close()
  }

  #open(): void {
    // Exclusive: nobody else writes here, so that whoever held a key when the file was left is dead.
    this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL')
    this.#db.exec(`PRAGMA journal_size_limit = ${LOG_BYTES}`)
    const { user_version: version } = this.#db.prepare('PRAGMA user_version').get() as {
      user_version: number
    }
    if (version !== 0 && version !== SCHEMA_VERSION)
      throw new Error(`it was written by another version of Budao (its format is ${version})`)
    this.#db.exec(`
      BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS keys (
        name TEXT NOT NULL, id TEXT NOT NULL, state INTEGER NOT NULL, fingerprint TEXT NOT NULL, owner TEXT NOT NULL,
        holder INTEGER NOT NULL, lease_until REAL NOT NULL, expires_at REAL NOT NULL, status INTEGER NOT NULL,
        reason TEXT NOT NULL, lines TEXT NOT NULL, body BLOB, bytes INTEGER NOT NULL, UNIQUE (name, id)
      ) STRICT;
      CREATE INDEX IF NOT EXISTS keys_expiry ON keys (expires_at);
      CREATE INDEX IF NOT EXISTS keys_claims ON keys (holder) WHERE state = ${State.claimed};
      UPDATE keys SET state = ${State.uncertain} WHERE state = ${State.claimed};
      PRAGMA user_version = ${SCHEMA_VERSION};
      COMMIT;
    `)
    this.#count()
  }

  /** Undefined for a key that has expired, too. */
  #row(name: string, id: string): Row | undefined {
    const row = this.#find.get(name, id) as Row | undefined
    if (row === undefined || row.expires_at > this.#env.wallNow()) return row
    this.#forget(name, id, row.bytes)
    return undefined
  }

  #forget(name: string, id: string, bytes: number): void {
    this.#remove.run(name, id)
    const counts = this.#of(name)
    counts.entries--
    counts.bytes -= bytes
  }

  /** A key comes to have so many bytes. */
  #account(name: string, before: Row | undefined, bytes: number): void {
    const counts = this.#of(name)
    if (before === undefined) counts.entries++
    counts.bytes += bytes - (before?.bytes ?? 0)
  }

  #of(name: string): KeyCounts {
    let counts = this.#counts.get(name)
    if (counts === undefined) this.#counts.set(name, (counts = { entries: 0, bytes: 0 }))
    return counts
  }

  #count(): void {
    this.#counts.clear()
    const rows = this.#db
      .prepare('SELECT name, count(*) AS entries, sum(bytes) AS bytes FROM keys GROUP BY name')
      .all()
    for (const { name, entries, bytes } of rows)
      this.#counts.set(String(name), { entries: Number(entries), bytes: Number(bytes) })
  }
}

function recordOf({ state, fingerprint, owner, lease_until: leaseUntil }: Row): KeyRecord {
  switch (state) {
    case State.claimed:
      return { state: 'claimed', fingerprint, owner, leaseUntil }
    case State.kept:
      return { state: 'kept', fingerprint }
    default:
      return { state: 'uncertain', fingerprint }
  }
}

function resultOf({ status, reason, lines, body }: Row): FirstResult {
  const text =
    body === null ? null : Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  return { status, reason, lines, body: text }
}
