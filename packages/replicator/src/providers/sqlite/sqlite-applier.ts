import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  type Applier,
  type ApplyBatch,
  type ApplyResult,
  type ChangeEvent,
  type Conflict,
  type DeadLetterReason,
  hlcDriftMaxMs,
  type LogPosition,
  type Row,
  seenHlc,
  type Transaction,
} from '@budao/model'
import { epochName } from '../../authority/epoch-name.ts'
import { mergeEvent } from '../../merge/merge-event.ts'
import { heartbeatTable, type ReplicatedTables } from '../../replicated-table.ts'
import type { RetryResult } from '../../site-database.ts'
import { SqliteLetters } from './sqlite-letters.ts'
import { SqliteSite } from './sqlite-site.ts'

/** Where changes of other sites are written. */
export interface SqliteApplierOptions {
  /** A connection of its own. */
  readonly db: DatabaseSync
  readonly site: string
  readonly tables: ReplicatedTables
  /** Wall-clock milliseconds. */
  readonly now?: () => number
  /** Called between any two steps; simulations crash here. */
  readonly step?: (name: string) => void
}

/** Why an event cannot be applied now. */
class Parked extends Error {
  readonly event: ChangeEvent
  readonly reason: DeadLetterReason

  constructor(event: ChangeEvent, reason: DeadLetterReason, detail: string) {
    super(detail)
    this.event = event
    this.reason = reason
  }
}

/** Applies other sites' changes to a SQLite database: many transactions in one commit, each whole or not at all. */
export class SqliteApplier implements Applier {
  readonly letters: SqliteLetters
  /** 20 to 30 µs each: about 5 ms, and the sync of one commit. */
  readonly eventsMax = 200
  readonly #site: SqliteSite
  readonly #step: (name: string) => void
  readonly #watermark: StatementSync
  readonly #setWatermark: StatementSync
  readonly #known: StatementSync
  readonly #see: StatementSync
  readonly #conflict: StatementSync
  readonly #conflicts: StatementSync
  readonly #savepoint: StatementSync
  readonly #release: StatementSync
  readonly #paused: Map<string, string> = new Map()

  constructor({ db, site, tables, now = Date.now, step = () => {} }: SqliteApplierOptions) {
    this.#site = new SqliteSite(db, site, tables, now)
    this.#step = step
    this.letters = new SqliteLetters(db)
    this.#watermark = db.prepare('SELECT log_id, next FROM budao_watermarks WHERE origin = ? AND part = ?')
    this.#setWatermark = db.prepare(
      `INSERT INTO budao_watermarks VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET log_id = excluded.log_id, next = excluded.next`,
    )
    this.#known = db.prepare('SELECT 1 FROM budao_seen WHERE origin = ? AND id = ?')
    this.#see = db.prepare('INSERT INTO budao_seen VALUES (?, ?, ?)')
    this.#conflict = db.prepare(
      'INSERT INTO budao_conflicts (tbl, key, at, rule, winner, local, remote, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#conflicts = db.prepare('SELECT * FROM budao_conflicts WHERE id > ? ORDER BY id LIMIT ?')
    this.#savepoint = db.prepare('SAVEPOINT whole')
    this.#release = db.prepare('RELEASE whole')
    this.reload()
  }

  /** Somebody else has changed what waits and which tables are paused: the database is what counts. */
  reload(): void {
    this.letters.reload()
    this.#paused.clear()
    for (const { tbl, detail } of this.#site.db.prepare('SELECT tbl, detail FROM budao_paused').all()) {
      this.#paused.set(String(tbl), String(detail))
    }
  }

  async watermark(origin: string, partition: number): Promise<LogPosition | null> {
    const found = this.#watermark.get(origin, partition)
    if (found === undefined) return null
    return { logId: String(found['log_id']), partition, offset: Number(found['next']) }
  }

  async apply({ origin, entries, next }: ApplyBatch): Promise<ApplyResult> {
    const result = { applied: 0, duplicates: 0, conflicts: 0, parked: [] as DeadLetterReason[] }
    try {
      this.#site.transaction(() => {
        const { log_id: logId, next: known } = this.#watermark.get(origin, next.partition) ?? {}
        const below = logId === next.logId ? Number(known) : 0
        for (const { offset, events, refused = [] } of entries) {
          // A reader that did not know how far it was.
          if (offset < below) {
            result.duplicates += events.length
            continue
          }
          for (const each of refused) {
            this.letters.keep(origin, each, this.#at())
            result.parked.push(each.reason)
          }
          if (events.length > 0) this.#transaction(origin, events, result)
        }
        this.#step('watermark')
        this.#setWatermark.run(origin, next.partition, next.logId, Math.max(below, next.offset))
        this.#step('commit')
      })
    } catch (error) {
      this.letters.reload()
      throw error
    }
    return result
  }

  /** Tables that came to a change they cannot hold, with the reason. */
  get paused(): ReadonlyMap<string, string> {
    return this.#paused
  }

  /**
   * Tries dead letters again in their order, all of them or those of one key; a transaction goes as a whole. A table that
   * was paused is tried again too.
   */
  retry(only?: { readonly table: string; readonly key: string }): RetryResult {
    return this.#site.transaction(() => {
      this.#resumeTables()
      const letters = this.letters
        .list(0, Number.MAX_SAFE_INTEGER)
        .filter(
          ({ table, key, reason }) =>
            key !== '' &&
            reason !== 'undone' &&
            (only === undefined || (only.table === table && only.key === key)),
        )
      const result = { applied: 0, duplicates: 0, conflicts: 0, parked: [] }
      const blocked = new Set<string>()
      const events = letters.map(({ event }) => JSON.parse(event) as ChangeEvent)
      for (let i = 0; i < letters.length;) {
        const { txId, origin } = events[i]!
        let end = i + 1
        while (end < letters.length && events[end]!.txId === txId && events[end]!.origin === origin) end++
        this.#retryOne(letters.slice(i, end), events.slice(i, end), blocked, result)
        i = end
      }
      this.letters.reload()
      return { applied: result.applied, left: this.letters.count }
    })
  }

  /** Conflicts behind `after`, the oldest first. */
  conflicts(after: number = 0, limit: number = 1000): Conflict[] {
    return this.#conflicts.all(after, limit).map((row) => ({
      id: Number(row['id']),
      table: String(row['tbl']),
      key: String(row['key']),
      at: String(row['at']),
      rule: row['rule'] as Conflict['rule'],
      winner: row['winner'] as Conflict['winner'],
      local: row['local'] === null ? null : (JSON.parse(String(row['local'])) as Row),
      remote: JSON.parse(String(row['remote'])) as ChangeEvent,
      result: row['result'] === null ? null : (JSON.parse(String(row['result'])) as Row),
      undone: row['undone'] === 1,
    }))
  }

  async close(): Promise<void> {
    if (this.#site.db.isOpen) this.#site.db.close()
  }

  #retryOne(
    letters: readonly { readonly id: number; readonly table: string; readonly key: string }[],
    events: Transaction,
    blocked: Set<string>,
    result: { applied: number; duplicates: number; conflicts: number },
  ): void {
    const places = letters.map(({ table, key }) => `${table}\0${key}`)
    if (places.some((place) => blocked.has(place))) {
      for (const place of places) blocked.add(place)
      return
    }
    const why = this.#attempt(events, result, false)
    if (why === null) {
      for (const { id } of letters) this.letters.remove(id)
      return
    }
    // Nothing waits behind a write of an epoch that has ended.
    if (why.reason !== 'old-epoch') for (const place of places) blocked.add(place)
    for (const { id } of letters) this.letters.failed(id, why.reason, why.message)
  }

  #transaction(
    origin: string,
    events: Transaction,
    result: { applied: number; duplicates: number; conflicts: number; parked: DeadLetterReason[] },
  ): void {
    const stranger = events.find((event) => event.origin !== origin)
    if (stranger !== undefined) {
      const detail = `expected events of ${origin} in its log, found one of ${stranger.origin}`
      this.letters.keep(
        origin,
        { reason: 'not-an-event', detail, text: JSON.stringify(stranger) },
        this.#at(),
      )
      result.parked.push('not-an-event')
      return
    }
    const why = this.#attempt(events, result, true)
    if (why === null) return
    // A transaction is whole: where one of its events waits, all do.
    for (const event of events) {
      if (this.letters.has(event)) {
        result.duplicates++
        continue
      }
      const isCause = event === why.event || why.reason === 'old-epoch'
      const detail = isCause ? why.message : `waits with event ${why.event.id} of the same transaction`
      this.letters.park(event, isCause ? why.reason : 'behind-parked', detail, this.#at())
      result.parked.push(isCause ? why.reason : 'behind-parked')
    }
  }

  /** Applies all events or none; says why none. */
  #attempt(
    events: Transaction,
    result: { applied: number; duplicates: number; conflicts: number },
    behindParked: boolean,
  ): Parked | null {
    const db = this.#site.db
    this.#savepoint.run()
    const before = { ...result }
    const clock = this.#site.hlc
    try {
      for (const event of events) this.#event(event, result, behindParked)
      this.#release.run()
      return null
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK TO whole; RELEASE whole')
      this.#site.rows.forget()
      this.#site.hlc = clock
      Object.assign(result, before)
      if (error instanceof Parked) {
        this.#pause(error)
        return error
      }
      throw error
    }
  }

  #event(
    event: ChangeEvent,
    result: { applied: number; duplicates: number; conflicts: number },
    behindParked: boolean,
  ): void {
    const site = this.#site
    this.#step('event')
    // A heartbeat says that changes arrive, whatever they are worth; nobody asks for one twice, so none is remembered.
    if (event.table === heartbeatTable) return
    if (this.#known.get(event.origin, event.id) !== undefined) {
      result.duplicates++
      return
    }
    this.#mayApply(event, behindParked)
    const clock = seenHlc(site.hlc, event.hlc, site.now())!
    if (clock !== site.hlc) site.hlc = clock
    const { rule } = site.tables[event.table]!
    const row = site.rows.get(event.table, event.key)
    const merge = mergeEvent(site.version(event.table, event.key, row), row, event, rule)
    if (merge.verdict === 'park') {
      throw new Parked(event, 'conflict-parked', merge.detail)
    }
    this.#see.run(event.origin, event.id, site.now())
    site.sawEpoch(event.epoch, event.unit)
    if (merge.verdict === 'duplicate') {
      result.duplicates++
      return
    }
    this.#step('row')
    if (merge.changes) this.#put(event, merge.row)
    this.#step('version')
    site.setVersion(event.table, event.key, merge.version)
    result.applied++
    if (merge.winner === null) return
    this.#step('conflict')
    result.conflicts++
    const { table, key } = event
    const [local, standing] = [row, merge.row].map((each) => (each === null ? null : JSON.stringify(each)))
    this.#conflict.run(
      table,
      key,
      this.#at(),
      rule.name,
      merge.winner,
      local!,
      JSON.stringify(event),
      standing!,
    )
  }

  #mayApply(event: ChangeEvent, behindParked: boolean): void {
    const site = this.#site
    if (seenHlc(site.hlc, event.hlc, site.now()) === null) {
      throw new Parked(
        event,
        'clock-ahead',
        `expected a stamp at most ${hlcDriftMaxMs} ms ahead of this site's clock, found ${event.hlc}`,
      )
    }
    const lowest = site.epochOf(event.origin, event.unit)
    if (event.epoch < lowest) {
      throw new Parked(
        event,
        'old-epoch',
        `expected epoch ${lowest} of ${epochName(event.origin, event.unit)} or higher, found ${event.epoch}`,
      )
    }
    if (behindParked && this.letters.isParked(event.table, event.key)) {
      throw new Parked(event, 'behind-parked', 'an earlier event of its key waits')
    }
    if (!Object.hasOwn(site.tables, event.table)) {
      throw new Parked(event, 'unknown-table', `expected a table of replication.tables, found ${event.table}`)
    }
    const paused = this.#paused.get(event.table)
    if (paused !== undefined) throw new Parked(event, 'table-paused', paused)
    const { schemaVersion = 1 } = site.tables[event.table]!
    if (event.schemaVersion > schemaVersion) {
      throw new Parked(
        event,
        'schema-breaks',
        `expected schemaVersion ${schemaVersion} of table ${event.table} at most, found ${event.schemaVersion}: ` +
          'change the table here, raise it in replication.tables, and retry',
      )
    }
  }

  #put(event: ChangeEvent, row: Row | null): void {
    try {
      if (row !== null) this.#site.rows.addColumns(event.table, row)
      this.#site.rows.put(event.table, event.key, row)
    } catch (error) {
      const { errcode = 0, message } = error as { errcode?: number; message: string }
      // Of the database itself: full, busy, broken. Nothing about this event; the whole batch is given again.
      const isAboutTheRow = errcode === 1 || (errcode & 0xff) === 19 || errcode === 20 || errcode === 0
      if (!isAboutTheRow) throw error
      throw new Parked(event, 'database-refuses', message)
    }
  }

  #pause({ reason, event, message }: Parked): void {
    if (reason !== 'schema-breaks' || this.#paused.has(event.table)) return
    this.#paused.set(event.table, message)
    this.#site.db.prepare('INSERT OR REPLACE INTO budao_paused VALUES (?, ?)').run(event.table, message)
  }

  #resumeTables(): void {
    this.#paused.clear()
    this.#site.db.exec('DELETE FROM budao_paused')
  }

  #at(): string {
    return new Date(this.#site.now()).toISOString()
  }
}
