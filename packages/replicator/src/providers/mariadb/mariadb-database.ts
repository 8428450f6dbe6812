import { setTimeout as sleep } from 'node:timers/promises'
import type { RowDataPacket } from 'mysql2/promise'
import type { ChangeDraft, ChangeEvent, Conflict } from '@budao/model'
import { epochName } from '../../authority/epoch-name.ts'
import type { ReplicatedTables } from '../../replicated-table.ts'
import type { Conflicts, DeadLetters, SiteDatabase } from '../../site-database.ts'
import { Asker } from './asker.ts'
import { BinlogSource } from './binlog-source.ts'
import { MariadbApplier } from './mariadb-applier.ts'
import { connect, isPassing, type MariadbConnection } from './mariadb-connection.ts'
import {
  countLetters,
  countLettersBySite,
  dropLetter,
  listEnded,
  listConflicts,
  listLetters,
  setUndone,
} from './mariadb-letters.ts'
import { MariadbOutbox } from './mariadb-outbox.ts'
import { MariadbSnapshots } from './mariadb-snapshots.ts'
import { seqIn } from './mariadb-view.ts'

/** Which database, and what of it travels. */
export interface MariadbDatabaseOptions {
  readonly connection: MariadbConnection
  readonly site: string
  readonly tables: ReplicatedTables
  /**
   * How this site's own writes are found. binlog: the application writes as it likes, and every table has one owner a row.
   * outbox: it writes through `MariadbOutbox` or over HTTP, and any rule goes.
   */
  readonly capture: 'binlog' | 'outbox'
  /** GTID domain of what the replicator writes. Default: this server's own plus 1000. */
  readonly domainId?: number
  readonly now?: () => number
}

const drainPollMs = 20

/** A MariaDB as the database of a site. */
export async function openMariadbDatabase(options: MariadbDatabaseOptions): Promise<SiteDatabase> {
  const { connection, site, tables, capture, now = Date.now } = options
  const applier = await MariadbApplier.open(options)
  const opened: { close(): Promise<unknown> }[] = [applier]
  try {
    const source = await BinlogSource.open({
      connection,
      site,
      tables: capture === 'binlog' ? Object.keys(tables) : [],
      now,
    })
    opened.push(source)
    const outbox = capture === 'outbox' ? await MariadbOutbox.open({ connection, site, tables, now }) : null
    if (outbox !== null) opened.push(outbox)
    // In the site's own GTID domain: what it writes is this site's, and travels.
    const own = await Asker.open(() => connect(connection))
    // Not in the binlog: what it writes is nobody's but this server's.
    const quiet = await Asker.open(() => connect(connection, null))
    opened.push(own, quiet)
    const snapshots = new MariadbSnapshots({
      ...{ connection, site, tables, capture, source, now, domainId: applier.domainId },
    })
    opened.push(snapshots)
    return {
      source,
      applier,
      ...(outbox !== null && {
        write: (drafts: readonly ChangeDraft[]): Promise<(ChangeEvent | null)[]> =>
          outbox.transaction(async ({ write }) => {
            const events: (ChangeEvent | null)[] = []
            for (const draft of drafts) events.push(await write(draft))
            return events
          }),
      }),
      beat: async ({ n, at, heard = {} }) => {
        const values = [n, at, JSON.stringify(heard)]
        await own.ask((c) => c.query('REPLACE INTO budao_heartbeat VALUES (1, ?, ?, ?)', values))
      },
      // The binlog itself is what waits: how far it reaches back is the server's setting.
      backlog: async () => ({ events: source.waiting, percent: 0 }),
      snapshots,
      drained: async (signal) => {
        const [[found]] = await own.ask((c) =>
          c.query<RowDataPacket[]>('SELECT @@global.gtid_binlog_pos AS gtids, @@global.gtid_domain_id AS id'),
        )
        const domain = Number(found!['id'])
        const last = seqIn(String(found!['gtids']), domain)
        while (seqIn(source.carried, domain) < last) await sleep(drainPollMs, undefined, { signal })
      },
      letters: lettersOf(applier, quiet, now),
      conflicts: conflictsOf(own, outbox),
      paused: () => applier.paused,
      fence: (origin, epoch, unit) => raiseEpoch(quiet, epochName(origin, unit), epoch),
      claim: (epoch, unit) => raiseEpoch(own, epochName('', unit), epoch),
      epochs: () => readEpochs(quiet),
      clean: async (olderThan) => {
        await quiet.ask((c) =>
          c.query('DELETE FROM budao_rows WHERE deleted_at < ?; DELETE FROM budao_seen WHERE at < ?', [
            olderThan,
            olderThan,
          ]),
        )
      },
      isPassing,
      close: async () => {
        for (const each of opened.toReversed()) await each.close()
      },
    }
  } catch (error) {
    for (const each of opened.toReversed()) await each.close()
    throw error
  }
}

function lettersOf(applier: MariadbApplier, quiet: Asker, now: () => number): DeadLetters {
  return {
    count: () => quiet.ask(countLetters),
    countBySite: () => quiet.ask(countLettersBySite),
    ended: (limit, origin) => quiet.ask((c) => listEnded(c, limit, origin)),
    list: (after, limit) => quiet.ask((c) => listLetters(c, after, limit)),
    retry: (only) => applier.retry(only),
    setUndone: (origin, ids) => quiet.ask((c) => setUndone(c, origin, ids)),
    drop: (id) => quiet.ask((c) => dropLetter(c, id, now())),
  }
}

function conflictsOf(own: Asker, outbox: MariadbOutbox | null): Conflicts {
  return {
    count: () =>
      own.ask(async (c) => {
        const [[row]] = await c.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM budao_conflicts')
        return Number(row!['n'])
      }),
    list: (after, limit) => own.ask((c) => listConflicts(c, after, limit)),
    undo: async (id) => {
      if (outbox === null) {
        throw new Error(
          'expected the outbox to write by: write the row of the conflict yourself, at its owner',
        )
      }
      return await outbox.transaction(async ({ connection, write }) => {
        const [conflict] = await listConflicts(connection, id - 1, 1)
        if (conflict?.id !== id || conflict.undone) return null
        const event = await write({ ...undoing(conflict), id: `undo-${conflict.remote.id}-${id}` })
        await connection.query('UPDATE budao_conflicts SET undone = 1 WHERE id = ?', [id])
        return event
      })
    },
  }
}

/** The change that makes the row stand that lost. */
function undoing({ winner, local, remote, table, key }: Conflict): Omit<ChangeDraft, 'id'> {
  const theirs = remote.op === 'delete' ? null : remote.payload
  const row = winner === 'local' ? theirs : local
  return { op: row === null ? 'delete' : 'update', payload: row, table, key }
}

async function readEpochs(asker: Asker): Promise<ReadonlyMap<string, number>> {
  const [rows] = await asker.ask((c) => c.query<RowDataPacket[]>('SELECT origin, epoch FROM budao_epochs'))
  return new Map(rows.map(({ origin, epoch }) => [String(origin), Number(epoch)]))
}

async function raiseEpoch(asker: Asker, origin: string, epoch: number): Promise<void> {
  await asker.ask((c) =>
    c.query(
      'INSERT INTO budao_epochs VALUES (?, ?) ON DUPLICATE KEY UPDATE epoch = GREATEST(epoch, VALUES(epoch))',
      [origin, epoch],
    ),
  )
}
