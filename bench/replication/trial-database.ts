import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Machine, MariadbData } from '@budao/testkit'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import type { DatabasePlan } from './application.ts'

/** The database of a site of a trial, as the one who runs the trial sees it. */
export interface TrialDatabase {
  /** What the application is told. */
  readonly plan: DatabasePlan
  /** `replication.database`; absent: the file that its configuration makes. */
  readonly config?: unknown
  /** Makes it anew, with empty tables. */
  begin(): Promise<void>
  /** What is committed, whatever else stands still. */
  rows(sql: string): Promise<Record<string, unknown>[]>
}

/** A file that every run has of its own. */
export function sqliteFile(folder: string, site: string): TrialDatabase {
  const path = join(folder, `${site}.db`)
  return {
    plan: { sqlite: path },
    begin: async () => {},
    rows: async (sql) => {
      const db = new DatabaseSync(path, { readOnly: true, timeout: 2000 })
      try {
        return db.prepare(sql).all()
      } finally {
        db.close()
      }
    },
  }
}

const name = 'trial'
const answerMsMax = 240_000
const tables = `
  CREATE TABLE adds (id VARCHAR(64) PRIMARY KEY, site VARCHAR(16), via VARCHAR(16), text VARCHAR(64));
  CREATE TABLE counts (id VARCHAR(16) PRIMARY KEY, n INT NOT NULL);
  CREATE TABLE registers (id VARCHAR(16) PRIMARY KEY, v VARCHAR(64))`

/** A server that lives through all runs, as a program `database` of the site's machine, which may be killed; every run has a database of its own. */
export function mariadbServer(machine: Machine, data: MariadbData): TrialDatabase {
  machine.run('database', () => data.start())
  const { port, socketPath } = data
  const login = { host: '127.0.0.1', port, user: 'root' } as const
  const asked = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    const until = performance.now() + answerMsMax
    for (;;) {
      let connection: Connection | null = null
      try {
        connection = await createConnection({ user: 'root', socketPath, multipleStatements: true })
        return await work(connection)
      } catch (error) {
        // Killed a moment ago, or on its way up.
        if ((error as { fatal?: boolean }).fatal !== true || performance.now() > until) throw error
        await sleep(50)
      } finally {
        connection?.destroy()
      }
    }
  }
  return {
    plan: { mariadb: { ...login, database: name } },
    config: { mariadb: { url: `mysql://root@127.0.0.1:${port}/${name}`, capture: 'outbox' } },
    begin: () =>
      asked(async (c) => {
        await c.query(`DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name}; USE ${name}; ${tables}`)
      }),
    rows: (sql) =>
      asked(async (c) => {
        await c.query(`USE ${name}`)
        const [rows] = await c.query<RowDataPacket[]>(sql)
        return rows
      }),
  }
}
