import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MergeRule } from '@budao/model'
import { SqliteOutbox } from '@budao/replicator'
import { MariadbOutbox, MariadbWriteRefused } from '@budao/replicator/mariadb'
import type { RowDataPacket } from 'mysql2/promise'
import type { DatabasePlan, Outcome } from './application.ts'

/** Writes a row and one more of what is counted, in one transaction: whatever happens to one of them has happened to both. */
export interface CountedWrites {
  /** Acknowledged: it is committed here. */
  transact(id: string): Promise<Outcome>
  close(): Promise<void>
}

const busyMs = 200
const tables = {
  adds: { rule: { name: 'last-writer' } },
  counts: { rule: { name: 'crdt', columns: { n: 'counter' } } },
  registers: { rule: { name: 'last-writer' } },
} as const satisfies Record<string, { rule: MergeRule }>

const done: Outcome = { outcome: 'acknowledged', error: '' }

/** By the outbox of this kind of database. `timeoutMs`: nobody waits longer for an answer. */
export async function openCountedWrites(
  site: string,
  plan: DatabasePlan,
  timeoutMs: number,
): Promise<CountedWrites> {
  return 'sqlite' in plan ? bySqlite(site, plan.sqlite) : await byMariadb(site, plan.mariadb, timeoutMs)
}

function bySqlite(site: string, path: string): CountedWrites {
  const db = new DatabaseSync(path, { timeout: busyMs })
  const outbox = new SqliteOutbox({ db, site, tables })
  return {
    transact: async (id) => {
      try {
        outbox.transaction(() => {
          outbox.write(addition(site, id))
          const [counted] = db.prepare("SELECT n FROM counts WHERE id = 'all'").all()
          outbox.write(count(id, counted))
        })
        return done
      } catch (error) {
        return { outcome: 'refused', error: (error as Error).message }
      }
    },
    close: async () => db.close(),
  }
}

async function byMariadb(
  site: string,
  connection: Extract<DatabasePlan, { readonly mariadb: unknown }>['mariadb'],
  timeoutMs: number,
): Promise<CountedWrites> {
  const outbox = await MariadbOutbox.open({ connection, site, tables })
  const write = async (id: string): Promise<Outcome> => {
    try {
      await outbox.transaction(async ({ connection: own, write: put }) => {
        await put(addition(site, id))
        const [[counted]] = await own.query<RowDataPacket[]>(
          "SELECT n FROM counts WHERE id = 'all' FOR UPDATE",
        )
        await put(count(id, counted))
      })
      return done
    } catch (error) {
      const {
        errno = 0,
        sqlState,
        code = '',
        message,
      } = error as Error & { errno?: number; sqlState?: string; code?: string }
      // What the server itself refuses is rolled back; an answer that never came says nothing.
      const isRefused =
        error instanceof MariadbWriteRefused ||
        code === 'ECONNREFUSED' ||
        (errno > 0 && sqlState !== undefined)
      return { outcome: isRefused ? 'refused' : 'unknown', error: `${code} ${message}` }
    }
  }
  return {
    // A server that stands still answers nobody.
    transact: (id) =>
      Promise.race([write(id), sleep(timeoutMs, { outcome: 'unknown', error: 'no answer' } as const)]),
    close: () => outbox.close(),
  }
}

function addition(site: string, id: string): Parameters<SqliteOutbox['write']>[0] {
  return { id, op: 'create', table: 'adds', payload: { id, site, via: 'outbox', text: 'a row' } }
}

function count(
  id: string,
  counted: Readonly<Record<string, unknown>> | undefined,
): Parameters<SqliteOutbox['write']>[0] {
  const op = counted === undefined ? 'create' : 'update'
  return {
    id: `${id}-count`,
    op,
    table: 'counts',
    payload: { id: 'all', n: Number(counted?.['n'] ?? 0) + 1 },
  }
}
