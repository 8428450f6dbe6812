import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { hlcZero, nextHlc, type Row } from '@budao/model'
import { rowOf, type RowVersion } from '../../merge/row-version.ts'
import type { ReplicatedTables } from '../../replicated-table.ts'
import { epochName } from '../../authority/epoch-name.ts'
import { inTransaction, prepareSqlite } from './sqlite-schema.ts'
import { SqliteRows } from './sqlite-rows.ts'

/** What this site's database knows: its clock, epochs, and the rows with what they were merged from. */
export class SqliteSite {
  readonly db: DatabaseSync
  readonly site: string
  readonly tables: ReplicatedTables
  readonly rows: SqliteRows
  readonly now: () => number
  readonly #clock: StatementSync
  readonly #setClock: StatementSync
  readonly #version: StatementSync
  readonly #setVersion: StatementSync
  readonly #epoch: StatementSync
  /** What was read in the transaction under way, in which nobody else changes it. */
  #held: { hlc: string | null; isTicked: boolean; readonly epochs: Map<string, number> } | null = null
  readonly #loading: StatementSync

  constructor(db: DatabaseSync, site: string, tables: ReplicatedTables, now: () => number = Date.now) {
    prepareSqlite(db)
    this.db = db
    this.site = site
    this.tables = tables
    this.now = now
    const jsonColumns = new Map(Object.entries(tables).map(([name, { rule }]) => [name, setColumns(rule)]))
    this.rows = new SqliteRows(db, (table) => jsonColumns.get(table) ?? none)
    for (const table of Object.keys(tables)) this.rows.prepare(table)
    this.#clock = db.prepare('SELECT hlc FROM budao_clock')
    this.#setClock = db.prepare('UPDATE budao_clock SET hlc = ?')
    this.#version = db.prepare('SELECT version FROM budao_rows WHERE tbl = ? AND key = ?')
    this.#setVersion = db.prepare(
      `INSERT INTO budao_rows VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET version = excluded.version, deleted_at = excluded.deleted_at`,
    )
    this.#epoch = db.prepare('SELECT epoch FROM budao_epochs WHERE origin = ?')
    this.#loading = db.prepare("SELECT 1 FROM budao_state WHERE name = 'load'")
  }

  /** The last stamp of this site's clock. */
  get hlc(): string {
    if (this.#held?.hlc != null) return this.#held.hlc
    const stamp = String(this.#clock.get()?.['hlc'] ?? hlcZero)
    if (this.#held !== null) this.#held.hlc = stamp
    return stamp
  }

  set hlc(stamp: string) {
    if (this.#held === null) {
      this.#setClock.run(stamp)
    } else {
      this.#held.hlc = stamp
      this.#held.isTicked = true
    }
  }

  /** Runs `work` in one transaction, or in the one that is open. Clock and epochs are read once for all of it, the clock written once. */
  transaction<T>(work: () => T): T {
    if (this.#held !== null) return work()
    return inTransaction(this.db, () => {
      this.#held = { hlc: null, isTicked: false, epochs: new Map() }
      try {
        const result = work()
        const { hlc, isTicked } = this.#held
        if (isTicked) this.#setClock.run(hlc)
        return result
      } finally {
        this.#held = null
      }
    })
  }

  /** A stamp for a write of this site. */
  tick(): string {
    const stamp = nextHlc(this.hlc, this.now())
    this.hlc = stamp
    return stamp
  }

  /** What was merged of a key; `row` is the one that stands. */
  version(table: string, key: string, row: Row | null): RowVersion | null {
    const found = this.#version.get(table, key)
    if (found === undefined) return null
    const version = JSON.parse(String(found['version'])) as RowVersion
    // The row of a register is the one in the table, so it is stored once.
    return version.kind === 'register' ? { ...version, row } : version
  }

  /** Whether a key is gone by what was merged of it. */
  isGone(table: string, key: string): boolean {
    const found = this.db
      .prepare('SELECT deleted_at FROM budao_rows WHERE tbl = ? AND key = ?')
      .get(table, key)
    return found !== undefined && found['deleted_at'] !== null
  }

  setVersion(table: string, key: string, version: RowVersion): void {
    const stored = version.kind === 'register' ? { ...version, row: null } : version
    const isGone = rowOf(version, this.tables[table]!.rule) === null
    this.#setVersion.run(table, key, JSON.stringify(stored), isGone ? this.now() : null)
  }

  /** Whether the database is being filled from another site: nobody writes meanwhile. */
  get isLoading(): boolean {
    return this.#loading.get() !== undefined
  }

  /** The lowest epoch that is accepted of a site, or of one unit there. */
  epochOf(origin: string, unit?: string): number {
    const name = epochName(origin, unit)
    const known = this.#held?.epochs.get(name)
    if (known !== undefined) return known
    const epoch = Number(this.#epoch.get(name)?.['epoch'] ?? 0)
    this.#held?.epochs.set(name, epoch)
    return epoch
  }

  /** All epochs that are kept, by `epochName`. */
  epochs(): ReadonlyMap<string, number> {
    const rows = this.db.prepare('SELECT origin, epoch FROM budao_epochs').all()
    return new Map(rows.map(({ origin, epoch }) => [String(origin), Number(epoch)]))
  }

  /** The epoch in which this site writes, or one unit here. From 1. */
  ownEpoch(unit?: string): number {
    return Math.max(1, this.epochOf('', unit))
  }

  /** This site writes in this epoch from here on. Never goes back. */
  claim(epoch: number, unit?: string): void {
    this.raiseEpoch('', epoch, unit)
  }

  /** Somebody writes in this epoch of a unit: nobody writes in a lower one here any more. */
  sawEpoch(epoch: number, unit: string | undefined): void {
    if (unit !== undefined && this.epochOf(this.site, unit) < epoch) this.raiseEpoch(this.site, epoch, unit)
  }

  /** From here on nothing of a lower epoch is accepted of `origin`. Never goes back. */
  raiseEpoch(origin: string, epoch: number, unit?: string): void {
    const name = epochName(origin, unit)
    this.#held?.epochs.delete(name)
    this.db
      .prepare(
        'INSERT INTO budao_epochs VALUES (?, ?) ON CONFLICT DO UPDATE SET epoch = max(epoch, excluded.epoch)',
      )
      .run(name, epoch)
  }

  /** Forgets tombstones and ids that are older than any log is kept. */
  clean(olderThan: number): void {
    this.db.prepare('DELETE FROM budao_rows WHERE deleted_at < ?').run(olderThan)
    this.db.prepare('DELETE FROM budao_seen WHERE at < ?').run(olderThan)
  }
}

const none: ReadonlySet<string> = new Set()

function setColumns(rule: ReplicatedTables[string]['rule']): ReadonlySet<string> {
  if (rule.name !== 'crdt') return none
  return new Set(Object.keys(rule.columns).filter((name) => rule.columns[name] === 'set'))
}
