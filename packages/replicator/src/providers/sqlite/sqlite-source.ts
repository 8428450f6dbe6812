import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ChangeEvent, ChangeSource, SourceBatch } from '@budao/model'
import { prepareSqlite } from './sqlite-schema.ts'

/** How the outbox is looked at. */
export interface SqliteSourceOptions {
  /** A connection of its own. */
  readonly db: DatabaseSync
  /** How often it looks for what other connections wrote, milliseconds; five times as often while something comes. Default 10. */
  readonly pollMs?: number
  /**
   * Between two times that carried events are removed, milliseconds: each time keeps applications from writing for a moment.
   * What was not removed when the process ended is carried again, and skipped by its id. Default 0: at once.
   */
  readonly removeEveryMs?: number
}

const batchEvents = 1000
/** So often it looks soon again. */
const looksSoon = 50

/** Takes events out of the outbox in the order of their commits: SQLite has one writer at a time, so places tell it. */
export class SqliteSource implements ChangeSource {
  readonly #db: DatabaseSync
  readonly #pollMs: number
  readonly #removeEveryMs: number
  readonly #select: StatementSync
  readonly #rest: StatementSync
  readonly #remove: StatementSync
  readonly #bounds: StatementSync
  readonly #closing: AbortController = new AbortController()
  #taken = 0
  #confirmed = 0
  #removing: NodeJS.Timeout | null = null
  /** In vain, since something was there. */
  #looks = 0
  #woken: (() => void) | null = null

  constructor({ db, pollMs = 10, removeEveryMs = 0 }: SqliteSourceOptions) {
    prepareSqlite(db)
    this.#db = db
    this.#removeEveryMs = removeEveryMs
    this.#pollMs = pollMs
    this.#select = db.prepare('SELECT pos, tx_id, event FROM budao_outbox WHERE pos > ? ORDER BY pos LIMIT ?')
    this.#rest = db.prepare(
      'SELECT pos, tx_id, event FROM budao_outbox WHERE pos > ? AND tx_id = ? ORDER BY pos',
    )
    this.#bounds = db.prepare(
      'SELECT (SELECT min(pos) FROM budao_outbox) AS first, (SELECT max(pos) FROM budao_outbox) AS last',
    )
    // To lose a removal with the power is to carry again what was carried: not worth a sync each time.
    db.exec('PRAGMA synchronous = NORMAL')
    this.#remove = db.prepare('DELETE FROM budao_outbox WHERE pos <= ?')
  }

  async next(): Promise<SourceBatch | null> {
    while (!this.#closing.signal.aborted) {
      const batch = this.#take()
      if (batch !== null) {
        this.#looks = 0
        return batch
      }
      await this.#pause(this.#looks++ < looksSoon ? this.#pollMs / 5 : this.#pollMs)
    }
    return null
  }

  /** Something was committed just now: looks at once. */
  wake(): void {
    this.#woken?.()
  }

  async confirm(position: string): Promise<void> {
    this.#confirmed = Number(position)
    if (this.#removeEveryMs === 0) this.#removeConfirmed()
    else this.#removing ??= setTimeout(() => this.#removeLater(), this.#removeEveryMs)
  }

  /** Events that were not confirmed yet. */
  get waiting(): number {
    const { first, last } = this.#bounds.get()!
    return last === null ? 0 : Number(last) - Math.max(Number(first) - 1, this.#confirmed)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.wake()
    if (this.#removing !== null) this.#removeLater()
  }

  #removeLater(): void {
    clearTimeout(this.#removing!)
    this.#removing = null
    try {
      if (this.#db.isOpen) this.#removeConfirmed()
    } catch {
      // Somebody holds the file: the next time removes it too.
    }
  }

  #removeConfirmed(): void {
    this.#remove.run(this.#confirmed)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#woken!(), ms)
      this.#woken = () => {
        clearTimeout(timer)
        this.#woken = null
        resolve()
      }
    })
  }

  #take(): SourceBatch | null {
    const rows = this.#select.all(this.#taken, batchEvents)
    const last = rows.at(-1)
    if (last === undefined) return null
    // The last transaction goes whole, however large it is.
    if (rows.length === batchEvents) rows.push(...this.#rest.all(Number(last['pos']), String(last['tx_id'])))
    const transactions: ChangeEvent[][] = []
    let txId: unknown
    for (const row of rows) {
      const event = JSON.parse(String(row['event'])) as ChangeEvent
      if (row['tx_id'] !== txId) transactions.push([])
      txId = row['tx_id']
      transactions.at(-1)!.push(event)
    }
    this.#taken = Number(rows.at(-1)!['pos'])
    return { transactions, position: String(this.#taken) }
  }
}
