import { SimDatabase } from './sim-database.ts'
import type { LogBounds, LogEntry, LogPosition, MergeRule, Row, Transaction } from '@budao/model'
import { truncation } from '@budao/model'
import {
  beforeGap,
  gapMarkers,
  lostWrites,
  placesOf,
  SqliteApplier,
  SqliteOutbox,
  SqliteSite,
  SqliteSnapshots,
  SqliteSource,
} from '@budao/replicator'

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
  /** Two rows a transaction, always the same number in both; a database may refuse the second of another site. */
  pairs: { rule: { name: 'owner', ownerOf: (key) => key.split('-')[0]! } },
} as const satisfies Record<string, { rule: MergeRule }>

/** One site: a database in memory with the replicator's own outbox, source and applier over it, and a log. */
export class SimSite {
  readonly name: 'east' | 'west'
  readonly db: SimDatabase
  /** Against true time, milliseconds. */
  skewMs = 0
  /** The applier’s process ends at the n-th step from now; 0: it does not. */
  crashIn = 0
  /** A reader that was told of a truncation stays where it is. */
  stopped = ''
  /** Fenced, and what did not make it is still here. */
  isFenced = false
  /** Put right, and behind the other’s log until this offset: nobody is sent here. */
  catchesUpTo: number | null = null
  /** Times it was put right: whoever read here before is another reader since. */
  lives = 0
  readonly #now: () => number
  #known!: SqliteSite
  outbox!: SqliteOutbox
  source!: SqliteSource
  snapshots!: SqliteSnapshots
  applier!: SqliteApplier
  log: { logId: string; first: number; entries: Transaction[] }

  constructor(name: 'east' | 'west', db: SimDatabase, now: () => number) {
    this.name = name
    this.db = db
    this.#now = now
    this.log = { logId: `${name}-1`, first: 0, entries: [] }
    this.restart()
    const other = name === 'east' ? 'west' : 'east'
    // While on, the second row of a pair of the other site is refused, as a constraint would.
    this.db.exec(`CREATE TABLE IF NOT EXISTS refusing (one INTEGER);
      CREATE TRIGGER IF NOT EXISTS refuse BEFORE INSERT ON pairs WHEN NEW.key = '${other}-2' AND EXISTS (SELECT 1 FROM refusing)
      BEGIN SELECT RAISE(ABORT, 'refused'); END`)
    this.#rememberLog()
  }

  set refuses(on: boolean) {
    this.db.exec(on ? 'INSERT INTO refusing VALUES (1)' : 'DELETE FROM refusing')
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
    this.snapshots = new SqliteSnapshots({
      site: this.#known,
      openSite: () => this.#known,
      onFilled: () => this.applier.reload(),
    })
  }

  /** The log is lost and begins anew; the process finds out, as it does when it starts. */
  loseLog(): void {
    this.log = { logId: `${this.log.logId}x`, first: 0, entries: [] }
    this.log.entries.push(...gapMarkers(this.name, 1, 'its log was lost, and began anew'))
    this.#rememberLog()
  }

  #rememberLog(): void {
    void this.snapshots.setWatermark(this.name, { logId: this.log.logId, partition: 0, offset: 0 })
  }

  /**
   * What did not make it is undone, and the ids may be written again. False: the other has not read all of this site’s log, so
   * nobody knows yet.
   */
  async restoreFrom(other: SimSite): Promise<boolean> {
    const at = await other.applier.watermark(this.name, 0)
    if (this.outbox.waiting > 0 || at?.logId !== this.log.logId || at.offset < this.bounds.end) return false
    const lost = lostWrites(other.applier.letters.list(0, 100_000), this.name, {
      '': other.lowestOf(this.name),
    })
    await this.snapshots.put(
      await other.snapshots.rowsOf(placesOf(lost)),
      lost.map(({ id }) => id),
    )
    for (const { letter } of lost) other.applier.letters.setUndone(this.name, letter)
    this.isFenced = false
    this.lives++
    this.catchesUpTo = other.bounds.end
    return true
  }

  /** Ids of a site's events that are among the rows, or were. */
  seenOf(origin: string): Set<string> {
    const rows = this.db.prepare('SELECT id FROM budao_seen WHERE origin = ?').all(origin)
    return new Set(rows.map(({ id }) => String(id)))
  }

  /** Whether an event of another site is among the rows, or was. */
  hasSeen(origin: string, id: string): boolean {
    return (
      this.db.prepare('SELECT 1 FROM budao_seen WHERE origin = ? AND id = ?').get(origin, id) !== undefined
    )
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
  read(from: LogPosition, most: number): readonly LogEntry[] | 'truncated' {
    const bounds = this.bounds
    if (truncation(from, bounds) !== null) return 'truncated'
    const { entries, why } = beforeGap(
      this.log.entries
        .slice(from.offset - bounds.first, from.offset - bounds.first + most)
        .map((events, i) => ({ offset: from.offset + i, events })),
    )
    return entries.length === 0 && why !== null ? 'truncated' : entries
  }

  /** Where this site goes on in another's log. */
  async next(origin: SimSite): Promise<LogPosition> {
    const known = await this.applier.watermark(origin.name, 0)
    if (known !== null) return known
    // The first contact: which log it is is remembered before anything of it is applied.
    const next = { logId: origin.log.logId, partition: 0, offset: 0 }
    await this.applier.apply({ origin: origin.name, entries: [], next })
    return next
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

  lowestOf(origin: string): number {
    return this.#known.epochOf(origin)
  }

  claim(epoch: number): void {
    this.#known.claim(epoch)
  }

  has(table: string, key: string): boolean {
    return this.#payload(table, key) !== null
  }

  row(table: string, key: string): Row | null {
    const text = this.#payload(table, key)
    return text === null ? null : (JSON.parse(text) as Row)
  }

  /** The row as text that is the same for equal rows; null: there is none. */
  rowText(table: string, key: string): string | null {
    const text = this.#payload(table, key)
    return text === null ? null : sorted(text)
  }

  #payload(table: string, key: string): string | null {
    const found = this.db.prepare(`SELECT payload FROM ${table} WHERE key = ?`).get(key)
    return found === undefined ? null : String(found['payload'])
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
