import { randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { EventLog, LogBounds, LogPosition } from '@budao/model'
import { type Answered, type Asked, type Handlers, refusal } from '../http/http-front.ts'
import { boundsOf } from '../loop/log-bounds.ts'
import type { Replicator } from '../replicator.ts'
import type { RowPlace, SiteDatabase } from '../site-database.ts'
import { digestKeys, digestKeysMax, digestTable, type PartBounds } from './digest.ts'
import type { PeerPlace, PeerSnapshot } from './peer-site.ts'
import { rangeRoutes } from './range-routes.ts'
import type { SnapshotChunk, SnapshotPart, SnapshotView } from './snapshot.ts'

/** What a site answers to others that are filled from it, or compared with it. */
export interface SnapshotRoutesOptions {
  readonly replicator: Replicator
  readonly database: SiteDatabase
  readonly log: EventLog
  /** Their partitions, by site. */
  readonly peers: Readonly<Record<string, { readonly partitions: number }>>
  readonly tables: readonly string[]
}

const viewsMax = 4
/** A snapshot that nobody asks for is given up, milliseconds: it keeps the database from cleaning up. */
const idleMsMax = 5 * 60_000
const chunkBytes = 512 * 1024
const placesMax = 1000
/** A sum is answered after so long, and asked for again from there, milliseconds. */
const partMs = 1_000

/** What a request for digests of some buckets asks. */
interface KeysQuestion {
  readonly table?: string
  readonly buckets?: readonly number[]
  readonly after?: string | null
}

interface Held {
  readonly view: SnapshotView
  timer: NodeJS.Timeout
}

/** Snapshots, rows and sums of this site's database, over HTTP. */
export class SnapshotRoutes {
  readonly #options: SnapshotRoutesOptions
  readonly #held: Map<string, Held> = new Map()
  readonly handlers: Handlers

  constructor(options: SnapshotRoutesOptions) {
    this.#options = options
    const { snapshots } = options.database
    this.handlers = {
      ...rangeRoutes(snapshots, options.tables),
      'POST /v1/snapshot': (asked) => this.#open(asked),
      'GET /v1/snapshot/chunk': (asked) => this.#read(asked),
      'POST /v1/snapshot/close': async ({ body }) => {
        await this.#end(String((body as { id?: unknown } | undefined)?.id))
        return { status: 204 }
      },
      'GET /v1/place': async ({ query }) => this.#place(query.get('site') ?? ''),
      'POST /v1/rows': async ({ body }) => {
        const { places } = (body ?? {}) as { places?: readonly RowPlace[] }
        if (!Array.isArray(places) || places.length > placesMax || !places.every(isPlace))
          return refusal(400, 'bad-body', `expected at most ${placesMax} places, each a table and a key`)
        return { status: 200, body: { rows: await snapshots.rowsOf(places) } }
      },
      'POST /v1/dead-letters/undone': async ({ body }) => {
        const { origin, ids } = (body ?? {}) as { origin?: unknown; ids?: readonly number[] }
        if (typeof origin !== 'string' || !Array.isArray(ids) || !ids.every(Number.isSafeInteger))
          return refusal(400, 'bad-body', 'expected origin and ids of dead letters')
        await options.database.letters.setUndone(origin, ids as number[])
        return { status: 204 }
      },
      'GET /v1/digest': async ({ query }) => {
        const table = query.get('table') ?? ''
        if (!this.#knows(table)) return this.#unknown(table)
        return { status: 200, body: await digestTable(snapshots, table, partBehind(query.get('after'))) }
      },
      'POST /v1/digest/keys': async ({ body }) => {
        const { table = '', buckets, after = null } = (body ?? {}) as KeysQuestion
        if (!this.#knows(table)) return this.#unknown(table)
        if (!Array.isArray(buckets)) return refusal(400, 'bad-body', 'expected buckets')
        const part = await digestKeys(
          snapshots,
          table,
          new Set(buckets as number[]),
          digestKeysMax,
          partBehind(after),
        )
        return { status: 200, body: part ?? { keys: null, next: null } }
      },
    }
  }

  async close(): Promise<void> {
    for (const id of this.#held.keys()) await this.#end(id)
  }

  async #open({ body }: Asked): Promise<Answered> {
    const { site, bounds, discardUnread } = (body ?? {}) as {
      site?: string
      bounds?: readonly LogBounds[]
      discardUnread?: boolean
    }
    const { database, log, peers } = this.#options
    if (typeof site !== 'string' || !Object.hasOwn(peers, site) || !Array.isArray(bounds))
      return refusal(400, 'bad-body', 'expected the name of a peer and the bounds of its log')
    if ((await database.snapshots.progress()) !== null)
      return refusal(
        409,
        'loading',
        'this site is being filled itself: expected another one to be filled from',
      )
    if (this.#held.size >= viewsMax)
      return refusal(503, 'too-many-snapshots', `expected at most ${viewsMax} snapshots at a time`)
    const refused = await this.#goOn(site, bounds as LogBounds[], discardUnread === true)
    if (refused !== null) return refused
    // Before the view: what the log has behind this place may be in the view already, and counts as seen then.
    const positions = await endsOf(log)
    const id = randomUUID()
    const view = await database.snapshots.open()
    this.#held.set(id, { view, timer: this.#expire(id) })
    const opened: PeerSnapshot = { id, positions, facts: view.facts }
    return { status: 200, body: opened }
  }

  /** Makes sure that this site can read the log of the one that is filled, from now on. */
  async #goOn(site: string, bounds: readonly LogBounds[], discardUnread: boolean): Promise<Answered | null> {
    const { database, replicator } = this.#options
    const moves: LogPosition[] = []
    for (const [partition, { logId, first, end }] of bounds.entries()) {
      const at = await database.applier.watermark(site, partition)
      const isSame = at?.logId === logId
      if (isSame && at.offset >= first && at.offset <= end) continue
      // Its disk is older than what was read of it: what it writes next is new.
      const to = { logId, partition, offset: isSame && at.offset > end ? end : first }
      if (to.offset === first && first > 0 && !discardUnread) {
        return refusal(
          409,
          'unread-entries',
          `the log of ${site} begins at ${first}, and this site has not read what was before: filling ${site} would lose it ` +
            `there too; ask with discardUnread to accept that`,
        )
      }
      moves.push(to)
    }
    if (moves.length === 0) return null
    await replicator.incoming.stop(site)
    for (const to of moves) await database.snapshots.setWatermark(site, to)
    replicator.incoming.goOn(site)
    return null
  }

  async #read({ query }: Asked): Promise<Answered> {
    const id = query.get('id') ?? ''
    const held = this.#held.get(id)
    if (held === undefined)
      return refusal(404, 'no-snapshot', `expected a snapshot that is held, found ${id}`)
    held.timer.refresh()
    const [kind, table] = [query.get('kind') ?? '', query.get('table')]
    if (!isPart(kind, table) || (table !== null && !this.#knows(table)))
      return refusal(400, 'bad-query', 'expected kind (rows, tombstones, seen or letters) and a table')
    const part = (table === null ? { kind } : { kind, table }) as SnapshotPart
    let chunk: SnapshotChunk
    try {
      chunk = await held.view.read(part, query.get('after'), chunkBytes)
    } catch (error) {
      // Such as one whose server has been started again: who asks anew is told that it is gone, and opens another.
      await this.#end(id)
      throw error
    }
    const text = Buffer.from(JSON.stringify(chunk))
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'x-crc32': String(crc32(text)) },
      body: text,
    }
  }

  async #place(site: string): Promise<Answered> {
    const { database, log, peers, replicator } = this.#options
    if (!Object.hasOwn(peers, site)) return refusal(404, 'unknown-site', `expected a peer, found ${site}`)
    const watermarks = (
      await Promise.all(
        Object.entries(peers).flatMap(([origin, { partitions }]) =>
          Array.from({ length: partitions }, async (_, partition) => ({
            origin,
            position: await database.applier.watermark(origin, partition),
          })),
        ),
      )
    ).flatMap(({ origin, position }) => (position === null ? [] : [{ origin, position }]))
    const state = replicator.incoming.stateOf(site)
    const place: PeerPlace = {
      applied: watermarks.filter(({ origin }) => origin === site).map(({ position }) => position),
      bounds: await boundsOf(log),
      watermarks,
      epochs: await replicator.standing.endedOf(site),
      stopped: state?.state === 'stopped' ? state.why : '',
    }
    return { status: 200, body: place }
  }

  #expire(id: string): NodeJS.Timeout {
    return setTimeout(() => void this.#end(id), idleMsMax).unref()
  }

  async #end(id: string): Promise<void> {
    const held = this.#held.get(id)
    if (held === undefined) return
    this.#held.delete(id)
    clearTimeout(held.timer)
    await held.view.close()
  }

  #knows(table: string): boolean {
    return this.#options.tables.includes(table)
  }

  #unknown(table: string): Answered {
    return refusal(404, 'unknown-table', `expected a table of replication.tables, found ${table}`)
  }
}

function partBehind(after: string | null): PartBounds {
  return { after, until: performance.now() + partMs }
}

async function endsOf(log: EventLog): Promise<LogPosition[]> {
  return (await boundsOf(log)).map(({ logId, end }, partition) => ({ logId, partition, offset: end }))
}

function isPart(kind: string, table: string | null): boolean {
  return table === null ? kind === 'seen' || kind === 'letters' : kind === 'rows' || kind === 'tombstones'
}

function isPlace(value: RowPlace): boolean {
  return typeof value?.table === 'string' && typeof value.key === 'string'
}
