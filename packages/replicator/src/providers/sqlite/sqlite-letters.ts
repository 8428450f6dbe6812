import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { LettersOfSite } from '../../site-database.ts'
import type { ChangeEvent, DeadLetter, DeadLetterReason, RefusedChange } from '@budao/model'

/** Events that wait for a person, in the database whose rows they are about. */
export class SqliteLetters {
  readonly #insert: StatementSync
  readonly #all: StatementSync
  readonly #one: StatementSync
  readonly #remove: StatementSync
  readonly #again: StatementSync
  readonly #keys: StatementSync
  readonly #count: StatementSync
  readonly #bySite: StatementSync
  readonly #ended: StatementSync
  readonly #same: StatementSync
  readonly #undone: StatementSync
  /** Keys with a letter: what comes for them waits behind it. */
  #parked: Set<string> = new Set()

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      `INSERT INTO budao_dead_letters (origin, tx_id, tbl, key, at, reason, detail, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#all = db.prepare('SELECT * FROM budao_dead_letters WHERE id > ? ORDER BY id LIMIT ?')
    this.#one = db.prepare('SELECT * FROM budao_dead_letters WHERE id = ?')
    this.#remove = db.prepare('DELETE FROM budao_dead_letters WHERE id = ?')
    this.#again = db.prepare(
      'UPDATE budao_dead_letters SET attempts = attempts + 1, reason = ?, detail = ? WHERE id = ?',
    )
    this.#keys = db.prepare(
      "SELECT DISTINCT tbl, key FROM budao_dead_letters WHERE key <> '' AND reason NOT IN ('old-epoch', 'undone')",
    )
    this.#undone = db.prepare("UPDATE budao_dead_letters SET reason = 'undone' WHERE origin = ? AND id = ?")
    this.#same = db.prepare(
      'SELECT event FROM budao_dead_letters WHERE tbl = ? AND key = ? AND origin = ? AND tx_id = ?',
    )
    this.#count = db.prepare('SELECT count(*) AS n FROM budao_dead_letters')
    this.#bySite = db.prepare(
      `SELECT origin, sum(reason <> 'undone') AS n, sum(reason = 'old-epoch') AS old FROM budao_dead_letters GROUP BY origin`,
    )
    this.#ended = db.prepare(
      `SELECT json_extract(event, '$.id') AS event_id FROM budao_dead_letters
       WHERE reason = 'old-epoch' AND origin = ? ORDER BY id LIMIT ?`,
    )
    this.reload()
  }

  get count(): number {
    return Number(this.#count.get()!['n'])
  }

  /** How many wait of each site. */
  countBySite(): LettersOfSite[] {
    return this.#bySite.all().map(({ origin, n, old }) => ({
      origin: String(origin),
      count: Number(n),
      oldEpoch: Number(old),
    }))
  }

  /** Ids of a site’s writes that came after their epoch had ended, the oldest first. */
  ended(limit: number, origin: string): string[] {
    return this.#ended.all(origin, limit).map(({ event_id: id }) => String(id))
  }

  isParked(table: string, key: string): boolean {
    return this.#parked.size > 0 && this.#parked.has(placeOf(table, key))
  }

  /** Forgets what a rolled back transaction had parked. */
  reload(): void {
    this.#parked = new Set(this.#keys.all().map(({ tbl, key }) => placeOf(String(tbl), String(key))))
  }

  /** Whether this event waits already: it has come once more. */
  has({ origin, txId, table, key, id }: ChangeEvent): boolean {
    return this.#same
      .all(table, key, origin, txId)
      .some(({ event }) => (JSON.parse(String(event)) as ChangeEvent).id === id)
  }

  park(event: ChangeEvent, reason: DeadLetterReason, detail: string, at: string): void {
    const { origin, txId, table, key } = event
    this.#insert.run(origin, txId, table, key, at, reason, detail, JSON.stringify(event))
    // Nothing waits behind a write of an epoch that has ended: the key belongs to somebody else now.
    if (reason !== 'old-epoch') this.#parked.add(placeOf(table, key))
  }

  /** Something that is no event waits for nothing, and nothing behind it. */
  keep(origin: string, { reason, detail, text }: RefusedChange, at: string): void {
    this.#insert.run(origin, '', '', '', at, reason, detail, text)
  }

  list(after: number = 0, limit: number = 1000): DeadLetter[] {
    return this.#all.all(after, limit).map((row) => letterOf(row))
  }

  get(id: number): DeadLetter | null {
    const row = this.#one.get(id)
    return row === undefined ? null : letterOf(row)
  }

  /** Its site has taken it back. */
  setUndone(origin: string, id: number): void {
    this.#undone.run(origin, id)
    this.reload()
  }

  remove(id: number): void {
    this.#remove.run(id)
    this.reload()
  }

  /** It was tried again, in vain. */
  failed(id: number, reason: DeadLetterReason, detail: string): void {
    this.#again.run(reason, detail, id)
  }
}

function letterOf(row: Readonly<Record<string, unknown>>): DeadLetter {
  return {
    id: Number(row['id']),
    origin: String(row['origin']),
    table: String(row['tbl']),
    key: String(row['key']),
    at: String(row['at']),
    reason: row['reason'] as DeadLetterReason,
    detail: String(row['detail']),
    attempts: Number(row['attempts']),
    event: String(row['event']),
  }
}

function placeOf(table: string, key: string): string {
  return `${table}\0${key}`
}
