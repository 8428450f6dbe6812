import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeEvent, Conflict } from '@budao/model'
import { joinRecords } from '../../merge/column.ts'
import type { ReplicatedTables } from '../../replicated-table.ts'
import type { Conflicts, DeadLetters, SiteDatabase } from '../../site-database.ts'
import { SqliteApplier } from './sqlite-applier.ts'
import { SqliteOutbox } from './sqlite-outbox.ts'
import { inTransaction, openSqlite } from './sqlite-schema.ts'
import { SqliteSite } from './sqlite-site.ts'
import { SqliteSnapshots } from './sqlite-snapshots.ts'
import { SqliteSource } from './sqlite-source.ts'
import { SqliteWrites } from './sqlite-writes.ts'

/** Which file, and what of it travels. */
export interface SqliteDatabaseOptions {
  readonly path: string
  readonly site: string
  readonly tables: ReplicatedTables
  /** Most events that wait in the outbox. Default 1 000 000. */
  readonly outboxMax?: number
  readonly now?: () => number
  readonly step?: (name: string) => void
}

const drainPollMs = 10
const removeEveryMs = 50

/** A SQLite file as the database of a site. Applications write to it by `SqliteOutbox`, or over HTTP. */
export function openSqliteDatabase(options: SqliteDatabaseOptions): SiteDatabase {
  const { path, site, tables, outboxMax = 1_000_000, now = Date.now, step } = options
  // Connections of their own: the source waits for what is committed, the applier is in the middle of something.
  const [writing, reading, applying] = [openSqlite(path), openSqlite(path), openSqlite(path)]
  const outbox = new SqliteOutbox({ db: writing, site, tables, eventsMax: outboxMax, now })
  const known = new SqliteSite(writing, site, tables, now)
  const source = new SqliteSource({ db: reading, removeEveryMs })
  const writes = new SqliteWrites(outbox, () => source.wake())
  const applier = new SqliteApplier({ db: applying, site, tables, now, ...(step && { step }) })
  const snapshots = new SqliteSnapshots({
    site: known,
    openSite: () => new SqliteSite(openSqlite(path), site, tables, now),
    onFilled: () => applier.reload(),
  })
  return {
    source,
    applier,
    snapshots,
    write: (drafts) => writes.write(drafts),
    beat: async (beat) => {
      outbox.beat({ ...beat })
      source.wake()
    },
    backlog: async () => ({ events: source.waiting, percent: (source.waiting / outboxMax) * 100 }),
    drained: async (signal) => {
      const { last } = outbox.places
      for (let { first } = outbox.places; first > 0 && first <= last; { first } = outbox.places)
        await sleep(drainPollMs, undefined, { signal })
    },
    letters: lettersOf(applier, new SqliteSite(applying, site, tables, now)),
    conflicts: conflictsOf(applier, writing, outbox),
    paused: () => applier.paused,
    fence: async (origin, epoch, unit) => known.raiseEpoch(origin, epoch, unit),
    claim: async (epoch, unit) => known.claim(epoch, unit),
    epochs: async () => known.epochs(),
    clean: async (olderThan) => known.clean(olderThan),
    close: async () => {
      await source.close()
      await applier.close()
      for (const db of [reading, writing]) if (db.isOpen) db.close()
    },
  }
}

function lettersOf(applier: SqliteApplier, site: SqliteSite): DeadLetters {
  const { letters } = applier
  return {
    count: async () => letters.count,
    countBySite: async () => letters.countBySite(),
    ended: async (limit, origin) => letters.ended(limit, origin),
    list: async (after, limit) => letters.list(after, limit),
    retry: async (only) => applier.retry(only),
    setUndone: async (origin, ids) =>
      inTransaction(site.db, () => {
        for (const id of ids) letters.setUndone(origin, id)
      }),
    drop: async (id) =>
      inTransaction(site.db, () => {
        const letter = letters.get(id)
        if (letter === null) return false
        if (letter.key !== '' && Object.hasOwn(site.tables, letter.table))
          skip(site, JSON.parse(letter.event))
        letters.remove(id)
        return true
      }),
  }
}

/** The event counts as seen, should it come again: who writes here next knows of it, and the other site is told so. */
function skip(site: SqliteSite, { table, key, origin, seq, id }: ChangeEvent): void {
  site.db.prepare('INSERT OR IGNORE INTO budao_seen VALUES (?, ?, ?)').run(origin, id, site.now())
  const version = site.version(table, key, site.rows.get(table, key))
  if (version === null) return
  site.setVersion(table, key, { ...version, seen: joinRecords(version.seen, { [origin]: seq }, Math.max) })
}

function conflictsOf(applier: SqliteApplier, db: DatabaseSync, outbox: SqliteOutbox): Conflicts {
  return {
    count: async () => Number(db.prepare('SELECT count(*) AS n FROM budao_conflicts').get()!['n']),
    list: async (after, limit) => applier.conflicts(after, limit),
    undo: async (id) =>
      outbox.transaction(() => {
        const [conflict] = applier.conflicts(id - 1, 1)
        if (conflict?.id !== id || conflict.undone) return null
        const event = outbox.write({ ...undoing(conflict), id: `undo-${conflict.remote.id}-${id}` })
        db.prepare('UPDATE budao_conflicts SET undone = 1 WHERE id = ?').run(id)
        return event
      }),
  }
}

/** The change that makes the other row stand. */
function undoing({
  winner,
  local,
  remote,
  table,
  key,
}: Conflict): Pick<ChangeEvent, 'op' | 'payload' | 'table' | 'key'> {
  const row = winner === 'local' ? (remote.op === 'delete' ? null : remote.payload) : local
  return { op: row === null ? 'delete' : 'update', payload: row, table, key }
}
