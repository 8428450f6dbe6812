import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ChangeEvent, ChangeSource, SourceBatch } from '@budao/model'
import { prepareSqlite } from './sqlite-schema.ts'

/** How the outbox is looked at. */
export interface SqliteSourceOptions {
  /** A connection of its own. */
  readonly db: DatabaseSync
  /** How often it looks for what other connections wrote, milliseconds; five times as often while something comes. Default 10. */
  readonly pollMs?: number
}

const batchEvents = 1000
/** So often it looks soon again. */
const looksSoon = 50

/** Takes events out of the outbox in the order of their commits: SQLite has one writer at a time, so places tell it. */
export class SqliteSource implements ChangeSource {
  readonly #pollMs: number
  readonly #select: StatementSync
  readonly #rest: StatementSync
  readonly #remove: StatementSync
  readonly #closing: AbortController = new AbortController()
  #taken = 0
  /** In vain, since something was there. */
  #looks = 0
  #woken: (() => void) | null = null

  constructor({ db, pollMs = 10 }: SqliteSourceOptions) {
    prepareSqlite(db)
    this.#pollMs = pollMs
    this.#select = db.prepare('SELECT pos, tx_id, event FROM budao_outbox WHERE pos > ? ORDER BY pos LIMIT ?')
    this.#rest = db.prepare(
      'SELECT pos, tx_id, event FROM budao_outbox WHERE pos > ? AND tx_id = ? ORDER BY pos',
    )
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
    this.#remove.run(Number(position))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.wake()
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
