import ZongJi, { type AnyBinlogEvent, type MariadbGtidEvent } from '@vlasky/zongji'
import type { RowDataPacket } from 'mysql2/promise'
import {
  type ChangeSource,
  hlcZero,
  nextHlc,
  type RefusedChange,
  type SourceBatch,
  SourceGapError,
  type Transaction,
} from '@budao/model'
import { Asker } from './asker.ts'
import { binlogGap, readPosition, writePosition } from './binlog-position.ts'
import {
  eventsOf,
  heardOf,
  type Image,
  images,
  type OpenTransaction,
  type RowsOfTable,
} from './binlog-transaction.ts'
import { connect, exactValues, type MariadbConnection } from './mariadb-connection.ts'
import { prepareMariadb } from './mariadb-schema.ts'
import { readShape, type TableShape, textOf, toRow } from './table-shape.ts'

/** What is read, and for whom. */
export interface BinlogSourceOptions {
  readonly connection: MariadbConnection
  /** This site: the origin of its events. */
  readonly site: string
  readonly tables: readonly string[]
  /** Of all replicas and sources of this server no other may have it. Default: the server's own plus 1 000 000. */
  readonly serverId?: number
  /** Wall-clock milliseconds. */
  readonly now?: () => number
  /** A change of a table's shape was made at this site. */
  readonly onSchemaChange?: (statement: string) => void
}

/** So much is read ahead, bytes of JSON; one transaction may be larger. */
const aheadBytesMax = 8 * 1024 * 1024
/** One transaction is held in memory as a whole. */
const transactionBytesMax = 256 * 1024 * 1024
const batchTransactionsMax = 1000
const keepEveryMs = 1000
const retryMsMax = 5000
/** ER_MASTER_FATAL_ERROR_READING_BINLOG: what was asked for is purged, or never was there. */
const gapErrno = 1236

/** Who the server is, and where it and this source stand. */
const standing = `
  SELECT @@global.gtid_domain_id AS domainId, @@global.server_id AS serverId, @@global.gtid_binlog_pos AS gtids,
    (SELECT position FROM budao_sources WHERE name = 'binlog') AS kept,
    (SELECT epoch FROM budao_epochs WHERE origin = '') AS epoch`

/** Tables of replication's own, which say something to the source. */
const own = ['budao_epochs', 'budao_heartbeat', 'budao_outbox']

interface Ready {
  readonly events: Transaction
  readonly refused: readonly RefusedChange[]
  readonly bytes: number
  readonly position: string
}

/**
 * Changes of this site from its MariaDB's row binlog. What an applier wrote stands there under another GTID domain and is
 * left out: no marker table, no write more for the application. Begins where the database is when it is first opened.
 */
export class BinlogSource implements ChangeSource {
  readonly #options: BinlogSourceOptions
  readonly #asker: Asker
  readonly #domainId: number
  readonly #serverId: number
  readonly #shapes = new Map<string, TableShape>()
  readonly #ready: Ready[] = []
  #readyBytes = 0
  #paused = false
  #stream: ZongJi | null = null
  /** Behind everything that was handed over. */
  #delivered: string
  #confirmed: string
  #kept: string
  /** Behind everything that was read. */
  #read: string
  #hlc: string
  #epoch: number
  #open: OpenTransaction | null = null
  #failed: Error | null = null
  #closed = false
  #wake: (() => void) | null = null
  #retryMs = 50
  readonly #timer: NodeJS.Timeout
  /** Events are worked on in their order; only a table that was not seen before is waited for. */
  #work: Promise<void> = Promise.resolve()

  private constructor(
    options: BinlogSourceOptions,
    asker: Asker,
    found: { readonly domainId: number; readonly serverId: number; readonly position: string },
  ) {
    this.#options = options
    this.#asker = asker
    this.#domainId = found.domainId
    this.#serverId = options.serverId ?? found.serverId + 1_000_000
    this.#delivered = this.#confirmed = this.#kept = this.#read = found.position
    const { hlc, epoch } = readPosition(found.position)
    this.#hlc = hlc
    this.#epoch = epoch
    this.#timer = setInterval(() => void this.#keep().catch(() => {}), keepEveryMs).unref()
  }

  /** Transactions that were read and are not confirmed yet. */
  get waiting(): number {
    return this.#ready.length + (this.#confirmed === this.#delivered ? 0 : 1)
  }

  /** The last stamp that was given to a transaction. */
  get hlc(): string {
    return this.#hlc
  }

  /** Behind everything that is confirmed, or is nobody's: a GTID position. */
  get carried(): string {
    const isIdle = this.#confirmed === this.#delivered && this.#ready.length === 0
    return readPosition(isIdle ? this.#read : this.#confirmed).gtids
  }

  /** Connects and goes on where it was confirmed. Throws where a table cannot be replicated. */
  static async open(options: BinlogSourceOptions): Promise<BinlogSource> {
    const asker = await Asker.open(() => connect(options.connection, null))
    try {
      await asker.ask(prepareMariadb)
      const [[found]] = await asker.ask((c) => c.query<RowDataPacket[]>(standing))
      const { domainId, serverId, gtids, kept, epoch } = found!
      const begin = writePosition({ gtids: String(gtids), hlc: hlcZero, epoch: Number(epoch ?? 1) })
      const source = new BinlogSource(options, asker, {
        domainId: Number(domainId),
        serverId: Number(serverId),
        position: kept === null ? begin : String(kept),
      })
      for (const table of options.tables) await source.#shape(table)
      if (kept === null) await source.#store(begin)
      source.#connect()
      return source
    } catch (error) {
      await asker.close()
      throw error
    }
  }

  async next(): Promise<SourceBatch | null> {
    for (;;) {
      if (this.#closed) return null
      if (this.#ready.length > 0) return this.#take()
      if (this.#failed !== null) throw this.#failed
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async confirm(position: string): Promise<void> {
    this.#confirmed = position
  }

  async beginAnew(): Promise<void> {
    const [[found]] = await this.#asker.ask((c) => c.query<RowDataPacket[]>(standing))
    const position = writePosition({
      gtids: String(found!['gtids']),
      hlc: this.#hlc,
      epoch: Number(found!['epoch'] ?? 1),
    })
    this.#disconnect()
    await this.#work
    this.#ready.length = this.#readyBytes = 0
    this.#delivered = this.#confirmed = this.#read = position
    await this.#store(position)
    this.#failed = null
    this.#connect()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    this.#disconnect()
    this.#wake?.()
    await this.#keep().catch(() => {})
    await this.#asker.close()
  }

  #take(): SourceBatch {
    const taken = this.#ready.splice(0, batchTransactionsMax)
    for (const { bytes } of taken) this.#readyBytes -= bytes
    this.#delivered = taken.at(-1)!.position
    if (this.#paused && this.#readyBytes < aheadBytesMax / 2) {
      this.#paused = false
      this.#stream?.connection?.resume()
    }
    const refused = taken.flatMap((each) => each.refused)
    return {
      transactions: taken.map(({ events }) => events).filter((events) => events.length > 0),
      position: this.#delivered,
      ...(refused.length === 0 ? {} : { refused }),
    }
  }

  #connect(): void {
    const { connection, tables } = this.#options
    const stream = new ZongJi({ ...connection, ...exactValues })
    this.#stream = stream
    this.#open = null
    stream.on('error', (error) => this.#broken(stream, error))
    stream.on('binlog', (event: AnyBinlogEvent) => {
      // The stream tells what is processed by then, and what its tables are: both are asked before the next event.
      const gtids = stream.gtidSet ?? ''
      if ('tableMap' in event && 'rows' in event) {
        const named = event as unknown as RowsOfTable & { tableName: string }
        named.tableName = named.tableMap[named.tableId]!.tableName
      }
      this.#work = this.#work
        .then(() => (this.#stream === stream ? this.#event(event, gtids) : undefined))
        .catch((error: unknown) => this.#fail(error as Error))
    })
    stream.start({
      serverId: this.#serverId,
      gtidSet: readPosition(this.#read).gtids,
      includeSchema: { [connection.database]: [...tables, ...own] },
      includeEvents: [
        ...['mariadbgtid', 'query', 'xid', 'xaprepare', 'tablemap', 'rotate'],
        ...['writerows', 'updaterows', 'deleterows'],
      ],
    })
  }

  #disconnect(): void {
    const stream = this.#stream
    this.#stream = null
    stream?.stop()
  }

  /** Away: tries again from the last whole transaction. What is gone for good stops it. */
  #broken(stream: ZongJi, error: Error & { readonly errno?: number }): void {
    if (this.#stream !== stream || this.#closed) return
    this.#disconnect()
    if (error.errno === gapErrno) {
      this.#fail(binlogGap(this.#options.site, this.#read, error.message))
      return
    }
    setTimeout(() => {
      if (!this.#closed && this.#failed === null) this.#connect()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax)
  }

  #fail(error: Error): void {
    this.#failed ??= error
    this.#disconnect()
    this.#wake?.()
  }

  #event(event: AnyBinlogEvent, gtids: string): void | Promise<void> {
    switch (event.getEventName()) {
      case 'mariadbgtid':
        this.#retryMs = 50
        this.#begin(event as MariadbGtidEvent)
        return
      case 'writerows':
      case 'updaterows':
      case 'deleterows':
        return this.#rows(event as unknown as RowsOfTable)
      case 'xid':
        this.#commit(gtids)
        return
      case 'query':
        this.#query((event as unknown as { readonly query: string }).query, gtids)
        return
      case 'xaprepare':
        if (this.#open !== null && !this.#open.isForeign && this.#open.changes.length > 0) {
          throw new SourceGapError(
            `transaction ${this.#open.gtid} was prepared by XA: its changes are not carried, commit without XA`,
          )
        }
        this.#open = null
        return
    }
  }

  #begin({ gtid, domainId, seqNo, standalone }: MariadbGtidEvent): void {
    this.#open = {
      gtid,
      seq: Number(seqNo),
      isForeign: domainId !== this.#domainId,
      isStandalone: standalone,
      changes: [],
      written: [],
      beat: null,
      bytes: 0,
    }
  }

  #query(statement: string, gtids: string): void {
    const open = this.#open
    if (open === null) return
    if (/^\s*(COMMIT|ROLLBACK)\b/i.test(statement)) {
      this.#commit(gtids)
      return
    }
    if (!open.isStandalone) return
    // A group that is one statement: the shape of a table may be another behind it.
    this.#shapes.clear()
    if (!open.isForeign) this.#options.onSchemaChange?.(statement)
    this.#open = null
  }

  async #rows(event: RowsOfTable): Promise<void> {
    const open = this.#open
    if (open === null || open.isForeign) return
    const { tableName } = event
    if (own.includes(tableName)) return this.#own(open, event)
    const shape = this.#shapes.get(tableName) ?? (await this.#shape(tableName))
    for (const row of event.rows as readonly Image[]) {
      const [before, after] = images(event.getEventName(), row).map((each) =>
        each === null ? null : toRow(shape, each),
      )
      open.changes.push({ shape, before: before!, after: after! })
      open.bytes += event.size / event.rows.length
    }
    if (open.bytes > transactionBytesMax) {
      throw new SourceGapError(
        `transaction ${open.gtid} has more than ${transactionBytesMax} bytes: expected smaller ones`,
      )
    }
  }

  #own(open: OpenTransaction, event: RowsOfTable): void {
    for (const row of event.rows as readonly Image[]) {
      const [, after] = images(event.getEventName(), row)
      if (after === null) continue
      switch (event.tableName) {
        case 'budao_epochs':
          // A transaction changes it: what stands behind it in the binlog was written in it.
          if (after['origin'] === '') this.#epoch = Number(after['epoch'])
          continue
        case 'budao_heartbeat':
          open.beat = { n: Number(after['n']), at: Number(after['at']), heard: heardOf(after['heard']) }
          continue
        case 'budao_outbox':
          open.written.push(textOf(after['event']))
          open.bytes += event.size / event.rows.length
      }
    }
  }

  #commit(gtids: string): void {
    const open = this.#open
    this.#open = null
    if (open === null) return
    if (open.changes.length > 0 || open.beat !== null)
      this.#hlc = nextHlc(this.#hlc, (this.#options.now ?? Date.now)())
    const { events, refused } = eventsOf(open, {
      origin: this.#options.site,
      epoch: this.#epoch,
      hlc: this.#hlc,
    })
    this.#read = writePosition({ gtids, hlc: this.#hlc, epoch: this.#epoch })
    if (events.length === 0 && refused.length === 0) return
    this.#ready.push({ events, refused, bytes: open.bytes, position: this.#read })
    this.#readyBytes += open.bytes
    if (!this.#paused && this.#readyBytes > aheadBytesMax) {
      this.#paused = true
      this.#stream?.connection?.pause()
    }
    this.#wake?.()
  }

  async #shape(table: string): Promise<TableShape> {
    const { database } = this.#options.connection
    const shape = await this.#asker.ask((c) => readShape(c, database, table))
    this.#shapes.set(table, shape)
    return shape
  }

  /** Writes down where to begin again: behind what was confirmed, and behind what is nobody's after it. */
  async #keep(): Promise<void> {
    const isIdle = this.#confirmed === this.#delivered && this.#ready.length === 0
    const position = isIdle ? this.#read : this.#confirmed
    if (position === this.#kept) return
    await this.#store(position)
  }

  async #store(position: string): Promise<void> {
    await this.#asker.ask((c) =>
      c.query(
        `INSERT INTO budao_sources VALUES ('binlog', ?) ON DUPLICATE KEY UPDATE position = VALUES(position)`,
        [position],
      ),
    )
    this.#kept = position
  }
}
