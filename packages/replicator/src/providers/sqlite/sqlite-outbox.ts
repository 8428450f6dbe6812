import { randomUUID } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type ChangeDraft, type ChangeEvent, defaultTable, draftKey, type Json, type Row } from '@budao/model'
import { sealed } from '../../event-hash.ts'
import { mergeEvent } from '../../merge/merge-event.ts'
import { heartbeatTable, type ReplicatedTables } from '../../replicated-table.ts'
import { SqliteSite } from './sqlite-site.ts'

/** The application's side of replication. */
export interface SqliteOutboxOptions {
  /** The application's own connection: events are written in its transactions. */
  readonly db: DatabaseSync
  readonly site: string
  readonly tables: ReplicatedTables
  /** Most events that wait to be carried away. Default 1 000 000. */
  readonly eventsMax?: number
  readonly now?: () => number
}

/** A change of which the application has written the row itself. */
export interface RecordedChange {
  readonly table: string
  readonly op: ChangeEvent['op']
  /** The row now; with `delete` what identifies it. */
  readonly row: Row
  /** The row before; null: there was none. */
  readonly before: Row | null
  readonly id?: string
  /** The right under which it is written, as the gateway says it. */
  readonly unit?: string
  readonly epoch?: number
}

/** A write that this site must not make now. */
export class WriteRefusedError extends Error {
  readonly code: 'fenced' | 'loading' | 'not-owner' | 'outbox-full' | 'unknown-table'

  constructor(code: WriteRefusedError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Writes changes and their events in one transaction of the application's database: both are there, or neither. The
 * replicator carries the events away from another process.
 */
export class SqliteOutbox {
  readonly #site: SqliteSite
  readonly #eventsMax: number
  readonly #insert: StatementSync
  readonly #waiting: StatementSync
  readonly #known: StatementSync
  readonly #see: StatementSync
  readonly #savepoint: StatementSync
  readonly #release: StatementSync
  #txId: string | null = null

  constructor({ db, site, tables, eventsMax = 1_000_000, now = Date.now }: SqliteOutboxOptions) {
    this.#site = new SqliteSite(db, site, tables, now)
    this.#eventsMax = eventsMax
    this.#insert = db.prepare('INSERT INTO budao_outbox (tx_id, event) VALUES (?, ?)')
    // Two questions: asked for in one, the least and the greatest are looked for through the whole table.
    this.#waiting = db.prepare(
      'SELECT coalesce((SELECT max(pos) FROM budao_outbox) - (SELECT min(pos) FROM budao_outbox) + 1, 0) AS n',
    )
    this.#known = db.prepare('SELECT 1 FROM budao_seen WHERE origin = ? AND id = ?')
    this.#see = db.prepare('INSERT INTO budao_seen VALUES (?, ?, ?)')
    this.#savepoint = db.prepare('SAVEPOINT one')
    this.#release = db.prepare('RELEASE one')
  }

  /** Events that wait to be carried away. */
  get waiting(): number {
    return Number(this.#waiting.get()!['n'])
  }

  /** Several transactions in one commit. Each is whole or not at all, and fails alone; throws where none can be. */
  group<T>(works: readonly (() => T)[]): PromiseSettledResult<T>[] {
    const { db, rows } = this.#site
    return this.#site.transaction(() =>
      works.map((work): PromiseSettledResult<T> => {
        const clock = this.#site.hlc
        this.#savepoint.run()
        try {
          const value = this.transaction(work)
          this.#release.run()
          return { status: 'fulfilled', value }
        } catch (reason) {
          // The database may have ended all of it.
          if (!db.isTransaction) throw reason
          db.exec('ROLLBACK TO one; RELEASE one')
          rows.forget()
          this.#site.hlc = clock
          return { status: 'rejected', reason }
        }
      }),
    )
  }

  /** Place of the last event that waits, and of the first; 0: none waits. */
  get places(): { readonly first: number; readonly last: number } {
    const found = this.#site.db
      .prepare('SELECT coalesce(min(pos), 0) AS first, coalesce(max(pos), 0) AS last FROM budao_outbox')
      .get()!
    return { first: Number(found['first']), last: Number(found['last']) }
  }

  /** All changes made in `work` are one transaction here, and are applied as one elsewhere. */
  transaction<T>(work: () => T): T {
    const outer = this.#txId
    this.#txId ??= randomUUID()
    try {
      return this.#site.transaction(work)
    } finally {
      this.#txId = outer
    }
  }

  /**
   * Writes the row and its event. A draft whose id was written before changes nothing, and its event is not made again:
   * null. Throws `WriteRefusedError`, and what the database has against it.
   */
  write(draft: ChangeDraft): ChangeEvent | null {
    return this.transaction(() => {
      if (this.#known.get(this.#site.site, draft.id) !== undefined) return null
      const table = draft.table ?? defaultTable
      this.#check(table)
      const { rows } = this.#site
      const key =
        draft.payload === null || rows.isDocument(table) ? draftKey(draft) : rows.keyOf(table, draft.payload)
      const before = rows.get(table, key)
      return this.#emit(draft, table, key, before, draft.payload)
    })
  }

  /** The event of a change whose row the application has just written, in the same transaction. */
  record({ table, op, row, before, id = randomUUID(), ...right }: RecordedChange): ChangeEvent {
    return this.transaction(() => {
      this.#check(table)
      const key = this.#site.rows.keyOf(table, row)
      return this.#emit({ id, op, ...right }, table, key, before, row)
    })
  }

  /** A change of nothing, which tells the others that this site's changes arrive. */
  beat(payload: Row): void {
    this.transaction(() => {
      const draft = { id: randomUUID(), op: 'update' } as const
      this.#store(this.#event(draft, heartbeatTable, this.#site.site, Number(payload['n']), payload))
    })
  }

  #emit(
    draft: Pick<ChangeDraft, 'id' | 'op'> & Partial<ChangeDraft>,
    table: string,
    key: string,
    before: Row | null,
    payload: Row | null,
  ): ChangeEvent {
    const site = this.#site
    const { rule, schemaVersion = 1 } = site.tables[table]!
    // Where a lease says who writes, the row belongs to whoever holds it.
    const isFixed = rule.name === 'owner' && draft.unit === undefined
    const owner = isFixed ? rule.ownerOf(key, payload ?? before) : site.site
    if (owner !== site.site) {
      throw new WriteRefusedError(
        'not-owner',
        `table ${table}, key ${key}: expected the write at ${owner}, which owns it`,
      )
    }
    const version = site.version(table, key, before)
    const seq = (version?.seen[site.site] ?? 0) + 1
    const knew = version === null ? {} : { knew: version.seen }
    const event = this.#event({ schemaVersion, ...draft }, table, key, seq, payload, { before, ...knew })
    const merge = mergeEvent(version, before, event, rule)
    if (merge.verdict === 'park') throw new Error(merge.detail)
    if (merge.verdict === 'duplicate') throw new Error(`table ${table}, key ${key}: expected a new change`)
    site.rows.put(table, key, merge.row)
    site.setVersion(table, key, merge.version)
    this.#see.run(site.site, event.id, site.now())
    this.#store(event)
    return event
  }

  #event(
    draft: Pick<ChangeDraft, 'id' | 'op'> & Partial<ChangeDraft>,
    table: string,
    key: string,
    seq: number,
    payload: Row | null,
    more: Partial<ChangeEvent> = {},
  ): ChangeEvent {
    const { site } = this.#site
    const { unit } = draft
    const epoch = draft.epoch ?? this.#site.ownEpoch(unit)
    const lowest = this.#site.epochOf(site, unit)
    if (epoch < lowest && table !== heartbeatTable) {
      throw new WriteRefusedError(
        'fenced',
        `epoch ${epoch} of ${unit ?? site} has ended, expected at least ${lowest}`,
      )
    }
    this.#site.sawEpoch(epoch, unit)
    return sealed({
      ...(draft as Record<string, Json>),
      id: draft.id,
      op: draft.op,
      payload,
      v: 1,
      origin: site,
      epoch,
      hlc: this.#site.tick(),
      seq,
      key,
      table,
      schemaVersion: draft.schemaVersion ?? 1,
      txId: draft.txId ?? this.#txId ?? draft.id,
      ...more,
    })
  }

  #store(event: ChangeEvent): void {
    this.#insert.run(event.txId, JSON.stringify(event))
  }

  #check(table: string): void {
    if (!Object.hasOwn(this.#site.tables, table)) {
      const known = Object.keys(this.#site.tables).join(', ')
      throw new WriteRefusedError(
        'unknown-table',
        `table ${table}: expected one of replication.tables: ${known}`,
      )
    }
    if (this.#site.isLoading) {
      throw new WriteRefusedError(
        'loading',
        `site ${this.#site.site} is being filled from another: expected the write there`,
      )
    }
    const waiting = this.waiting
    if (waiting >= this.#eventsMax) {
      throw new WriteRefusedError(
        'outbox-full',
        `${waiting} events wait in the outbox, expected less than ${this.#eventsMax}: start the replicator or bring the peer back`,
      )
    }
  }
}
