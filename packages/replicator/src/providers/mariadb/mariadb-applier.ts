import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { Applier, ApplyBatch, ApplyResult, DeadLetterReason, LogPosition } from '@budao/model'
import type { ReplicatedTables } from '../../replicated-table.ts'
import { Asker } from './asker.ts'
import { type AppliedTable, type ApplyFacts, ApplyState, placeOf } from './apply-state.ts'
import { loadFacts, Statements } from './apply-facts.ts'
import { writeState } from './apply-writes.ts'
import { connect, errnoOf, type MariadbConnection } from './mariadb-connection.ts'
import {
  countLetters,
  keepLetters,
  type LetterGroup,
  lettersToRetry,
  removeLetters,
} from './mariadb-letters.ts'
import { prepareMariadb } from './mariadb-schema.ts'
import { readShape } from './table-shape.ts'

/** Where changes of other sites are written. */
export interface MariadbApplierOptions {
  readonly connection: MariadbConnection
  readonly site: string
  readonly tables: ReplicatedTables
  /**
   * How this site's own writes are found. binlog: the rule of every table must be `owner` or `park`, since a write leaves no
   * stamp. outbox: the application writes through `MariadbOutbox`.
   */
  readonly capture: 'binlog' | 'outbox'
  /**
   * GTID domain of what is written here: not this site's own, and nobody else's. By it the binlog's source leaves it out.
   * Default: this site's own plus 1000.
   */
  readonly domainId?: number
  /** Wall-clock milliseconds. */
  readonly now?: () => number
}

/** What a retry of dead letters came to. */
export interface RetryResult {
  readonly applied: number
  /** Letters that are left, of all keys. */
  readonly left: number
}

/** Deadlocks and waits for locks are tried again so often, then the batch is given back. */
const attemptsMax = 8
const ER_LOCK_WAIT_TIMEOUT = 1205
const ER_LOCK_DEADLOCK = 1213
const ER_DUP_ENTRY = 1062

/**
 * Applies other sites' changes to a MariaDB. A batch costs two round trips: everything that is known of its rows is read
 * and locked, the outcome is worked out, and rows, versions, seen ids, dead letters and the watermark are written and
 * committed as one transaction. Partitions are applied side by side, each on a connection of its own.
 */
export class MariadbApplier implements Applier {
  readonly #options: MariadbApplierOptions
  readonly #asker: Asker
  readonly #domainId: number
  readonly #tables: Map<string, AppliedTable>
  readonly #lanes = new Map<number, Connection>()
  #paused: ReadonlyMap<string, string> = new Map()
  #closed = false

  private constructor(
    options: MariadbApplierOptions,
    asker: Asker,
    domainId: number,
    tables: Map<string, AppliedTable>,
  ) {
    this.#options = options
    this.#asker = asker
    this.#domainId = domainId
    this.#tables = tables
  }

  /** Connects, and makes what replication keeps in the database. Throws where a table cannot be replicated. */
  static async open(options: MariadbApplierOptions): Promise<MariadbApplier> {
    const asker = await Asker.open(() => connect(options.connection, null))
    try {
      await asker.ask(prepareMariadb)
      const [[own]] = await asker.ask((c) => c.query<RowDataPacket[]>('SELECT @@global.gtid_domain_id AS id'))
      const domainId = options.domainId ?? Number(own!['id']) + 1000
      if (domainId === Number(own!['id'])) {
        throw new Error(
          `domainId: expected another than ${domainId}, the server's own gtid_domain_id: changes would go round in circles`,
        )
      }
      const tables = new Map<string, AppliedTable>()
      for (const [name, table] of Object.entries(options.tables)) {
        if (options.capture === 'binlog' && table.rule.name !== 'owner' && table.rule.name !== 'park') {
          throw new Error(
            `table ${name}: expected rule owner or park, found ${table.rule.name}: writes read from the binlog have no ` +
              'stamps to compare; write through the outbox instead',
          )
        }
        const { database } = options.connection
        tables.set(name, { ...table, shape: await asker.ask((c) => readShape(c, database, name)) })
      }
      return new MariadbApplier(options, asker, domainId, tables)
    } catch (error) {
      await asker.close()
      throw error
    }
  }

  /** GTID domain of what it writes. */
  get domainId(): number {
    return this.#domainId
  }

  async watermark(origin: string, partition: number): Promise<LogPosition | null> {
    const lane = await this.#lane(partition)
    let rows: RowDataPacket[]
    try {
      const sql = 'SELECT log_id, next FROM budao_watermarks WHERE origin = ? AND part = ?'
      rows = (await lane.query<RowDataPacket[]>(sql, [origin, partition]))[0]
    } catch (error) {
      // Its server has gone: who asks again gets another connection, also while nothing is applied.
      if (errnoOf(error) === 0) this.#dropLane(partition, lane)
      throw error
    }
    const [found] = rows
    return found === undefined
      ? null
      : { logId: String(found['log_id']), partition, offset: Number(found['next']) }
  }

  async apply(batch: ApplyBatch): Promise<ApplyResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#applyWhole(batch, null)
      } catch (error) {
        const errno = errnoOf(error)
        const isRace = errno === ER_LOCK_DEADLOCK || errno === ER_LOCK_WAIT_TIMEOUT
        // A row that was not there when it was asked for may have been put in since: the next look finds it.
        if (attempt < attemptsMax && (isRace || (errno === ER_DUP_ENTRY && attempt === 1))) {
          await new Promise((resolve) => setTimeout(resolve, 2 ** attempt))
          continue
        }
        if (!isAboutRows(error)) throw error
        return await this.#applyApart(batch, (error as Error).message)
      }
    }
  }

  /**
   * Tries dead letters again in their order, all of them or those of one key; a transaction goes as a whole. A table that
   * was paused is tried again too.
   */
  async retry(only?: { readonly table: string; readonly key: string }): Promise<RetryResult> {
    await this.#asker.ask((c) => c.query('DELETE FROM budao_paused'))
    let applied = 0
    const blocked = new Set<string>()
    for (const group of await this.#asker.ask((c) => lettersToRetry(c, only))) {
      const places = group.events.map(({ table, key }) => placeOf(table, key))
      const isBlocked = places.some((place) => blocked.has(place))
      const why = isBlocked ? 'behind-parked' : await this.#retryGroup(group)
      if (why === null) applied += group.events.length
      // Nothing waits behind a write of an epoch that has ended.
      else if (why !== 'old-epoch') for (const place of places) blocked.add(place)
    }
    return { applied, left: await this.#asker.ask(countLetters) }
  }

  /** Tables that came to a change they cannot hold, with the reason, as of the last batch. */
  get paused(): ReadonlyMap<string, string> {
    return this.#paused
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const lane of this.#lanes.values()) lane.destroy()
    await this.#asker.close()
  }

  /** Null: they were applied, and the letters are gone. Otherwise why not, as the letters say now. */
  async #retryGroup({ ids, origin, events }: LetterGroup): Promise<DeadLetterReason | null> {
    const lane = await this.#lane(0)
    let why: { readonly reason: DeadLetterReason; readonly message: string } | null
    try {
      await this.#learnShapes({ entries: [{ offset: 0, events }] })
      const batch = { origin, entries: [{ offset: 0, events }], next: null }
      const state = new ApplyState((await loadFacts(lane, batch, this.#known())).facts)
      why = state.attempt(events, false)
      await writeState(lane, state, null, (sql) =>
        why === null ? removeLetters(sql, ids) : keepLetters(sql, ids, why.reason, why.message),
      )
      return why?.reason ?? null
    } catch (error) {
      await lane.query('ROLLBACK').catch(() => this.#dropLane(0, lane))
      if (!isAboutRows(error)) throw error
      const sql = new Statements()
      keepLetters(sql, ids, 'database-refuses', (error as Error).message)
      await this.#asker.ask((c) => sql.run(c))
      return 'database-refuses'
    }
  }

  #known(): Pick<ApplyFacts, 'site' | 'capture' | 'now' | 'tables'> {
    const { site, capture, now = Date.now } = this.#options
    return { site, capture, now: now(), tables: this.#tables }
  }

  async #applyWhole(batch: ApplyBatch, refusal: string | null): Promise<ApplyResult> {
    const lane = await this.#lane(batch.next.partition)
    try {
      await this.#learnShapes(batch)
      const loaded = await loadFacts(lane, batch, this.#known())
      const state = new ApplyState(loaded.facts)
      for (const { offset, events, refused = [] } of batch.entries) {
        if (offset < loaded.appliedBelow) {
          state.result.duplicates += events.length
          continue
        }
        for (const each of refused) state.refuse(each)
        if (events.length > 0) state.transaction(events, refusal)
      }
      await writeState(lane, state, loaded.appliedBelow > batch.next.offset ? null : batch.next)
      this.#paused = loaded.facts.paused
      return state.result
    } catch (error) {
      await lane.query('ROLLBACK').catch(() => this.#dropLane(batch.next.partition, lane))
      if (errnoOf(error) === 0) this.#dropLane(batch.next.partition, lane)
      throw error
    }
  }

  /** The database refuses something of a batch: one transaction after the other, until it is found and put aside. */
  async #applyApart(batch: ApplyBatch, refusal: string): Promise<ApplyResult> {
    const { entries, next, origin } = batch
    if (entries.length === 1) return await this.#applyWhole(batch, refusal)
    const sum = { applied: 0, duplicates: 0, conflicts: 0, parked: [] as DeadLetterReason[] }
    for (const [index, entry] of entries.entries()) {
      const behind = entries[index + 1]
      const one = await this.apply({
        origin,
        entries: [entry],
        next: behind === undefined ? next : { ...next, offset: behind.offset },
      })
      sum.applied += one.applied
      sum.duplicates += one.duplicates
      sum.conflicts += one.conflicts
      sum.parked.push(...one.parked)
    }
    return sum
  }

  /** A column that is not known may have been added here since: looks once a batch. */
  async #learnShapes({ entries }: Pick<ApplyBatch, 'entries'>): Promise<void> {
    const looked = new Set<string>()
    for (const { events } of entries) {
      for (const { table, payload } of events) {
        const known = this.#tables.get(table)
        if (known === undefined || payload === null || looked.has(table)) continue
        if (Object.keys(payload).every((name) => known.shape.byName.has(name))) continue
        looked.add(table)
        const { database } = this.#options.connection
        const shape = await this.#asker.ask((c) => readShape(c, database, table))
        this.#tables.set(table, { ...known, shape })
      }
    }
  }

  async #lane(partition: number): Promise<Connection> {
    if (this.#closed) throw new Error('the applier is closed')
    const open = this.#lanes.get(partition)
    if (open !== undefined) return open
    const lane = await connect(this.#options.connection, this.#domainId)
    this.#lanes.set(partition, lane)
    return lane
  }

  #dropLane(partition: number, lane: Connection): void {
    if (this.#lanes.get(partition) === lane) this.#lanes.delete(partition)
    lane.destroy()
  }
}

/** Whether the server refuses a value or a constraint, rather than being away, full or busy. */
function isAboutRows(error: unknown): boolean {
  if (errnoOf(error) === 0) return false
  const { sqlState } = error as { sqlState: string }
  // 22: data, 23: constraints, 42: a table or column that is another. 1364 and 1366 have the general state.
  return (
    /^(22|23|42|45)/.test(sqlState) ||
    [1264, 1265, 1364, 1366, 1406, 1525, 3819, 4025].includes(errnoOf(error))
  )
}
