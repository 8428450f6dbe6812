import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

/** The command `budao` from its source. */
export const budaoProgram: string = fileURLToPath(
  new URL('../../packages/budao/src/main.ts', import.meta.url),
)

/** What the sites replicate: rows that are added, counts that add up, registers that both write. */
export const replicatedTables = {
  adds: { rule: 'last-writer' },
  counts: { rule: 'crdt', columns: { n: 'counter' } },
  registers: { rule: 'last-writer' },
} as const

/** One of two sites with SQLite. */
export interface SiteConfig {
  readonly folder: string
  readonly site: string
  /** `host:port` to listen at. */
  readonly listen: string
  /** Of all sites, this one's too. */
  readonly urls: Readonly<Record<string, string>>
  readonly token?: string
  readonly durability?: 'async' | 'sync'
  readonly peerTimeoutMs?: number
  readonly outbox?: number
  /** `replication.log`; absent: embedded. */
  readonly log?: unknown
  /** `replication.database`; absent: `SITE.db`, in which the tables are made. */
  readonly database?: unknown
}

/** Writes `SITE.yaml`, and makes the tables where the database is a file. */
export function writeSite({
  folder,
  site,
  listen,
  urls,
  token,
  durability = 'async',
  peerTimeoutMs = 2000,
  outbox,
  log,
  database,
}: SiteConfig): void {
  const config = {
    version: 1,
    node: { name: `replicator-${site}`, site },
    dataDir: `./${site}`,
    sites: Object.fromEntries(Object.keys(urls).map((each) => [each, {}])),
    listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
    routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
    replication: {
      listen,
      ...(token !== undefined && { token }),
      sites: Object.fromEntries(Object.entries(urls).map(([each, url]) => [each, { url }])),
      database: database ?? { sqlite: { path: `${site}.db` } },
      ...(log !== undefined && { log }),
      ...(outbox !== undefined && { outbox }),
      peerTimeout: `${peerTimeoutMs}ms`,
      tables: Object.fromEntries(
        Object.entries(replicatedTables).map(([name, table]) => [name, { ...table, durability }]),
      ),
    },
  }
  writeFileSync(join(folder, `${site}.yaml`), JSON.stringify(config, null, 2))
  if (database !== undefined) return
  const db = new DatabaseSync(join(folder, `${site}.db`))
  db.exec(
    `PRAGMA journal_mode = WAL;
     CREATE TABLE adds (id TEXT PRIMARY KEY, site TEXT, via TEXT, text TEXT);
     CREATE TABLE counts (id TEXT PRIMARY KEY, n INTEGER);
     CREATE TABLE registers (id TEXT PRIMARY KEY, v TEXT)`,
  )
  db.close()
}
