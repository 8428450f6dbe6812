import { DatabaseSync } from 'node:sqlite'
import type { LogBounds, LogEntry, LogPosition, MergeRule, Transaction } from '@budao/model'
import { truncation } from '@budao/model'
import { SqliteApplier, SqliteOutbox, SqliteSite, SqliteSource } from '@budao/replicator'

/** The process of a site ends at this instruction. */
export class Crash extends Error {}

/** What the simulated sites replicate: one table for each promise. */
export const tables = {
  /** Every element once: nothing acknowledged is lost, nothing is there twice. */
  adds: { rule: { name: 'last-writer' } },
  rows: { rule: { name: 'last-writer' } },
  cards: { rule: { name: 'fields' } },
  stock: { rule: { name: 'crdt', columns: { n: 'counter', tags: 'set', top: 'max' } } },
  /** Neither associative nor commutative. */
  own: {
    rule: {
      name: 'callback',
      merge: ({ row: a }, { row: b }) =>
        a === null || b === null ? (b ?? a) : { ...b, n: Number(a['n']) - Number(b['n']) },
    },
  },
  /** Money moves between accounts of one site, two rows a transaction. */
  bank: { rule: { name: 'owner', ownerOf: (key) => key.split('-')[0]! } },
  registers: { rule: { name: 'last-writer' } },
} as const satisfies Record<string, { rule: MergeRule }>

/** One site: a database in memory with the replicator's own outbox, source and applier over it, and a log. */
export class SimSite {
  readonly name: string
  readonly db: DatabaseSync = new DatabaseSync(':memory:')
  /** Against true time, milliseconds. */
  skewMs = 0
  /** The applier’s process ends at the n-th step from now; 0: it does not. */
  crashIn = 0
  /** A reader that was told of a truncation stays where it is. */
  stopped = ''
  readonly #now: () => number
  #known!: SqliteSite
  outbox!: SqliteOutbox
  source!: SqliteSource
  applier!: SqliteApplier
  log: { logId: string; first: number; entries: Transaction[] }

  constructor(name: string, now: () => number) {
    this.name = name
    this.#now = now
    this.log = { logId: `${name}-1`, first: 0, entries: [] }
    this.restart()
  }

  /** A new process over the same data. */
  restart(): void {
    const { db, name: site } = this
    const now = (): number => this.#now() + this.skewMs
    const step = (): void => {
      if (this.crashIn > 0 && --this.crashIn === 0) throw new Crash()
    }
    this.#known = new SqliteSite(db, site, tables, now)
    this.outbox = new SqliteOutbox({ db, site, tables, now })
    this.source = new SqliteSource({ db })
    this.applier = new SqliteApplier({ db, site, tables, now, step })
  }

  get bounds(): LogBounds {
    const { logId, first, entries } = this.log
    return { logId, first, end: first + entries.length }
  }

  /** Takes what waits into the log; `crash` ends the process before or after that, and the source is not told. */
  async carry(crash: 'none' | 'before' | 'after'): Promise<void> {
    if (this.outbox.waiting === 0) return
    const batch = await this.source.next()
    if (crash === 'before') return this.restart()
    this.log.entries.push(...batch!.transactions)
    if (crash === 'after') return this.restart()
    await this.source.confirm(batch!.position)
  }

  /** Entries as a reader gets them, by the rule that every log has. */
  read(from: LogPosition, most: number): LogEntry[] | 'truncated' {
    const bounds = this.bounds
    if (truncation(from, bounds) !== null) return 'truncated'
    return this.log.entries
      .slice(from.offset - bounds.first, from.offset - bounds.first + most)
      .map((events, i) => ({ offset: from.offset + i, events }))
  }

  /** Where this site goes on in another's log. */
  async next(origin: SimSite): Promise<LogPosition> {
    const known = await this.applier.watermark(origin.name, 0)
    return known ?? { logId: origin.log.logId, partition: 0, offset: 0 }
  }

  /** Applies; a crash takes back what was not committed. */
  async apply(origin: string, entries: readonly LogEntry[], logId: string): Promise<'applied' | 'crashed'> {
    const next = { logId, partition: 0, offset: entries.at(-1)!.offset + 1 }
    try {
      await this.applier.apply({ origin, entries, next })
      return 'applied'
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      this.crashIn = 0
      this.restart()
      return 'crashed'
    }
  }

  /** Nothing of `origin` below this epoch is applied or written here any more. */
  fence(origin: string, epoch: number): void {
    this.#known.raiseEpoch(origin, epoch)
  }

  claim(epoch: number): void {
    this.#known.claim(epoch)
  }

  /** All rows of a table, as text, by key. */
  rows(table: string): Map<string, string> {
    const all = this.db.prepare(`SELECT key, payload FROM ${table} ORDER BY key`).all()
    return new Map(all.map(({ key, payload }) => [String(key), sorted(String(payload))]))
  }
}

function sorted(json: string): string {
  const row = JSON.parse(json) as Record<string, unknown>
  return JSON.stringify(Object.fromEntries(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}
