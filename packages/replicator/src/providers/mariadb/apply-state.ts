import { hash } from 'node:crypto'
import {
  canonicalJson,
  type ChangeEvent,
  type Conflict,
  type DeadLetterReason,
  hlcDriftMaxMs,
  hlcMs,
  hlcZero,
  type Json,
  type RefusedChange,
  type Row,
  type Transaction,
} from '@budao/model'
import { epochName } from '../../authority/epoch-name.ts'
import { mergeEvent } from '../../merge/merge-event.ts'
import type { RowVersion } from '../../merge/row-version.ts'
import { heartbeatTable, type ReplicatedTable } from '../../replicated-table.ts'
import { keyCondition } from './key-conditions.ts'
import { type TableShape } from './table-shape.ts'

/** A table of the configuration, as it is in this database. */
export interface AppliedTable extends ReplicatedTable {
  readonly shape: TableShape
}

/** One row of which something came, with what the database had of it. */
export interface KnownRow {
  readonly table: AppliedTable
  readonly key: string
  readonly original: Row | null
  row: Row | null
  version: RowVersion | null
  isChanged: boolean
  hasNewVersion: boolean
}

/** An event that waits, and why. */
export interface ParkedEvent {
  readonly origin: string
  readonly txId: string
  readonly table: string
  readonly key: string
  readonly reason: DeadLetterReason
  readonly detail: string
  readonly event: string
}

/** What the database said when a batch began. */
export interface ApplyFacts {
  readonly site: string
  readonly origin: string
  readonly now: number
  readonly tables: ReadonlyMap<string, AppliedTable>
  /** Nothing of a lower epoch is accepted; by `epochName` of the origin and its units. */
  readonly epochs: ReadonlyMap<string, number>
  readonly seen: Set<string>
  readonly parkedKeys: Set<string>
  /** Ids of events of the origin, of these transactions, that wait already. */
  readonly lettered: Set<string>
  readonly paused: Map<string, string>
  readonly rows: Map<string, KnownRow>
  /** Local writes leave no version: where the row is not the one that was applied last, this site has written it. */
  readonly capture: 'binlog' | 'outbox'
  readonly hashes: ReadonlyMap<string, string>
}

/** Why an event cannot be applied now. */
export class Parked extends Error {
  readonly event: ChangeEvent
  readonly reason: DeadLetterReason

  constructor(event: ChangeEvent, reason: DeadLetterReason, detail: string) {
    super(detail)
    this.event = event
    this.reason = reason
  }
}

/** Where a row stands in the maps. */
export function placeOf(table: string, key: string): string {
  return `${table}\0${key}`
}

/** Finds a row that was changed since it was applied. */
export function rowHash(row: Row | null): string {
  return row === null ? '' : hash('sha256', canonicalJson(row)).slice(0, 32)
}

/** What a batch makes of the database, worked out in memory: nothing is written before all of it is known. */
export class ApplyState {
  readonly facts: ApplyFacts
  readonly newlySeen: string[] = []
  readonly letters: ParkedEvent[] = []
  readonly newlyPaused: Map<string, string> = new Map()
  readonly conflicts: Omit<Conflict, 'id' | 'at' | 'undone'>[] = []
  readonly result: { applied: number; duplicates: number; conflicts: number; parked: DeadLetterReason[] } = {
    applied: 0,
    duplicates: 0,
    conflicts: 0,
    parked: [],
  }

  constructor(facts: ApplyFacts) {
    this.facts = facts
  }

  /** Takes what is no event as a dead letter. */
  refuse({ reason, detail, text }: RefusedChange): void {
    this.#letter({ origin: this.facts.origin, txId: '', table: '', key: '', reason, detail, event: text })
  }

  /** Applies a whole transaction, or puts all of it aside. `refusal`: the database has refused it already. */
  transaction(events: Transaction, refusal: string | null): void {
    const why =
      refusal === null ? this.attempt(events, true) : new Parked(events[0]!, 'database-refuses', refusal)
    if (why === null) return
    const isEnded = why.reason === 'old-epoch'
    for (const event of events) {
      // It waits already, and has come once more.
      if (this.facts.lettered.has(event.id)) {
        this.result.duplicates++
        continue
      }
      this.facts.lettered.add(event.id)
      const isCause = event === why.event || isEnded
      this.#letter({
        origin: this.facts.origin,
        txId: event.txId,
        table: event.table,
        key: event.key,
        reason: isCause ? why.reason : 'behind-parked',
        detail: isCause ? why.message : `waits with event ${why.event.id} of the same transaction`,
        event: JSON.stringify(event),
      })
      // Nothing waits behind a write of an epoch that has ended: the key belongs to somebody else now.
      if (!isEnded) this.facts.parkedKeys.add(placeOf(event.table, event.key))
    }
  }

  /** Applies all events or none; says why none. */
  attempt(events: Transaction, behindParked: boolean): Parked | null {
    const { rows } = this.facts
    const kept = new Map<string, KnownRow>()
    for (const { table, key } of events) {
      const known = rows.get(placeOf(table, key))
      if (known !== undefined) kept.set(placeOf(table, key), { ...known })
    }
    const counts = { ...this.result }
    const [seen, conflicts] = [this.newlySeen.length, this.conflicts.length]
    try {
      for (const event of events) this.#event(event, behindParked)
      return null
    } catch (error) {
      if (!(error instanceof Parked)) throw error
      for (const [place, known] of kept) rows.set(place, known)
      for (const id of this.newlySeen.splice(seen)) this.facts.seen.delete(id)
      this.conflicts.splice(conflicts)
      Object.assign(this.result, counts)
      const { table } = error.event
      if (error.reason === 'schema-breaks' && !this.facts.paused.has(table)) {
        this.facts.paused.set(table, error.message)
        this.newlyPaused.set(table, error.message)
      }
      return error
    }
  }

  #letter(letter: ParkedEvent): void {
    this.letters.push(letter)
    this.result.parked.push(letter.reason)
  }

  #event(event: ChangeEvent, behindParked: boolean): void {
    const { seen, origin } = this.facts
    // A heartbeat says that changes arrive, whatever they are worth; nobody asks for one twice, so none is remembered.
    if (event.table === heartbeatTable && event.origin === origin) return
    if (seen.has(event.id)) {
      this.result.duplicates++
      return
    }
    // Nobody asks for a heartbeat twice, so none is remembered; it belongs to no epoch.
    if (event.table === heartbeatTable && event.origin === this.facts.origin) return
    this.#mayApply(event, behindParked)
    const known = this.facts.rows.get(placeOf(event.table, event.key))!
    const { rule } = known.table
    const row = asSeenBy(event, known.row)
    const merge = mergeEvent(this.#version(known, row), row, event, rule)
    if (merge.verdict === 'park') throw new Parked(event, 'conflict-parked', merge.detail)
    seen.add(event.id)
    this.newlySeen.push(event.id)
    if (merge.verdict === 'duplicate') {
      this.result.duplicates++
      return
    }
    if (merge.changes) {
      known.row = merge.row
      known.isChanged = true
    }
    known.version = merge.version
    known.hasNewVersion = true
    this.result.applied++
    if (merge.winner === null) return
    this.result.conflicts++
    const { table, key } = event
    const conflict = { table, key, rule: rule.name, winner: merge.winner }
    this.conflicts.push({ ...conflict, local: row, remote: event, result: merge.row })
  }

  #version(known: KnownRow, row: Row | null): RowVersion | null {
    const { version, hasNewVersion } = known
    if (this.facts.capture === 'outbox' || hasNewVersion) return version
    const applied = this.facts.hashes.get(placeOf(known.table.shape.table, known.key))
    if (applied === rowHash(row) || (applied === undefined && row === null)) return version
    const { seen = {}, stamp = { hlc: hlcZero } } = version ?? {}
    return { kind: 'register', seen, stamp: { hlc: stamp.hlc, origin: this.facts.site }, row }
  }

  #mayApply(event: ChangeEvent, behindParked: boolean): void {
    const { origin, epochs, now, parkedKeys, tables, paused } = this.facts
    if (event.origin !== origin) {
      throw new Parked(
        event,
        'not-an-event',
        `expected events of ${origin} in its log, found one of ${event.origin}`,
      )
    }
    if (hlcMs(event.hlc) > now + hlcDriftMaxMs) {
      const detail = `expected a stamp at most ${hlcDriftMaxMs} ms ahead of this site's clock, found ${event.hlc}`
      throw new Parked(event, 'clock-ahead', detail)
    }
    const name = epochName(origin, event.unit)
    const lowest = epochs.get(name) ?? 0
    if (event.epoch < lowest) {
      throw new Parked(
        event,
        'old-epoch',
        `expected epoch ${lowest} of ${name} or higher, found ${event.epoch}`,
      )
    }
    if (behindParked && parkedKeys.has(placeOf(event.table, event.key))) {
      throw new Parked(event, 'behind-parked', 'an earlier event of its key waits')
    }
    const table = tables.get(event.table)
    if (table === undefined) {
      throw new Parked(event, 'unknown-table', `expected a table of replication.tables, found ${event.table}`)
    }
    const why = paused.get(event.table)
    if (why !== undefined) throw new Parked(event, 'table-paused', why)
    this.#mustFit(event, table)
  }

  #mustFit(event: ChangeEvent, { shape, schemaVersion = 1 }: AppliedTable): void {
    if (event.schemaVersion > schemaVersion) {
      throw new Parked(
        event,
        'schema-breaks',
        `expected schemaVersion ${schemaVersion} of table ${event.table} at most, found ${event.schemaVersion}: ` +
          'change the table here, raise it in replication.tables, and retry',
      )
    }
    const unknown = Object.keys(event.payload ?? {}).find((name) => !shape.byName.has(name))
    if (unknown !== undefined) {
      throw new Parked(
        event,
        'schema-breaks',
        `table ${event.table} has no column ${unknown} here: add it (ALTER TABLE … ADD COLUMN) as at ${event.origin}, and retry`,
      )
    }
    if (!isKeyOf(shape, event.key)) {
      throw new Parked(event, 'database-refuses', `table ${event.table}: ${event.key} is no key of it`)
    }
  }
}

/** Whether a text can be a key of the table. */
export function isKeyOf(shape: TableShape, key: string): boolean {
  try {
    return keyCondition(shape, [key]).values.length === shape.keys.length
  } catch {
    return false
  }
}

/** The row without the columns that its writer does not have: those are this site's own. */
function asSeenBy({ payload, before }: ChangeEvent, row: Row | null): Row | null {
  const theirs: Readonly<Record<string, Json>> = payload ?? before ?? {}
  if (row === null || Object.keys(theirs).length === 0) return row
  const names = Object.keys(row)
  if (names.every((name) => name in theirs)) return row
  return Object.fromEntries(names.filter((name) => name in theirs).map((name) => [name, row[name]!]))
}
