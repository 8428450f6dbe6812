import { hash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { ResyncReport } from '@budao/model'
import { freePort, startMariadb } from '@budao/testkit'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { describeMachine, machineText } from './machine.ts'
import { say, UsageError, wholeNumber } from './options.ts'
import { usageOf } from './process-tree.ts'
import { budaoProgram, writeSite } from './replication/site-config.ts'
import { paced } from './replication/two-sites.ts'
import type { Stage } from './stage.ts'
import { table } from './table.ts'

const usage = `npm run bench -- replication-bootstrap [options]

  --database NAME  sqlite, mariadb or both (default both)
  --rows N         that the site has which another is filled from (default 100000)
  --live N         events a second that are written to it meanwhile (default 200)
  --json FILE      figures as JSON

An empty site is filled from one with N rows of about 200 bytes and what they were merged from (\`budao replicator bootstrap\`), a replicator process
each, while the full one is written to. The clock runs from the request until all rows are in, and until both sites were compared. All rows of both are
read and compared before a figure is printed.
`

interface Figures {
  readonly database: string
  readonly rows: number
  readonly filledMs: number
  readonly verifiedMs: number
  readonly bytes: number
  readonly liveEvents: number
  readonly cpuUsOfRow: number
  readonly peakRssMib: number
}

/** A site's database, as the one who measures sees it. */
interface Store {
  /** `replication.database`; absent: the file that the configuration makes. */
  readonly config?: unknown
  /** Runs statements. */
  exec(sql: string): Promise<void>
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** Fails when a row is missing or another at the site that was filled; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      database: { type: 'string', default: 'both' },
      rows: { type: 'string', default: '100000' },
      live: { type: 'string', default: '200' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  if (!['sqlite', 'mariadb', 'both'].includes(values.database))
    throw new UsageError(`--database: expected sqlite, mariadb or both, got ${values.database}`)
  const rows = wholeNumber('rows', values.rows, 1000, 10_000_000)
  const live = wholeNumber('live', values.live, 0, 10_000)
  const machine = describeMachine()
  say(machineText(machine))
  const figures: Figures[] = []
  for (const database of ['sqlite', 'mariadb'] as const) {
    if (values.database !== 'both' && values.database !== database) continue
    const cleanups: (() => unknown)[] = []
    mkdirSync(join(stage.folder, database))
    const t = { after: (work: () => unknown) => cleanups.push(work), skip: say } as unknown as TestContext
    try {
      const stores = await (database === 'sqlite' ? files(join(stage.folder, database)) : servers(t))
      if (stores === null) return 1
      figures.push(await measure(stage, database, stores, rows, live))
    } finally {
      for (const work of cleanups.toReversed()) await work()
    }
  }
  say(
    table(
      ['', 'rows/s', 'MB/s', 'filled s', 'compared s', 'live', 'CPU µs/row', 'peak MiB'],
      figures.map((each) => [
        each.database,
        ((each.rows / each.filledMs) * 1000).toFixed(0),
        (each.bytes / 1000 / each.filledMs).toFixed(1),
        (each.filledMs / 1000).toFixed(1),
        (each.verifiedMs / 1000).toFixed(1),
        String(each.liveEvents),
        each.cpuUsOfRow.toFixed(0),
        each.peakRssMib.toFixed(0),
      ]),
    ),
  )
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, rows, live, figures }, null, 2)}\n`)
  return 0
}

async function measure(
  stage: Stage,
  database: string,
  stores: Readonly<Record<string, Store>>,
  rows: number,
  live: number,
): Promise<Figures> {
  const folder = join(stage.folder, database)
  const ports = { east: await freePort(), west: await freePort() }
  const urls = { east: `http://127.0.0.1:${ports.east}`, west: `http://127.0.0.1:${ports.west}` }
  for (const [site, port] of Object.entries(ports)) {
    const { config } = stores[site]!
    writeSite({
      ...{ folder, site, listen: `127.0.0.1:${port}`, urls, outbox: 10_000_000 },
      ...(config !== undefined && { database: config }),
    })
  }
  const processes = Object.keys(ports).map((site) =>
    stage.startNode(site, [budaoProgram, 'replicator', '-c', join(folder, `${site}.yaml`)]),
  )
  for (const [i, port] of Object.values(ports).entries()) await processes[i]!.waitForPort(port, 120_000)
  await stores['east']!.exec(filling(database, rows))

  let [liveEvents, isOver] = [0, false]
  const writing = paced(
    live,
    () => isOver,
    (count) => {
      const events = Array.from({ length: Math.min(count, 1000) }, () => liveEvent(liveEvents++, rows))
      void post(`${urls.east}/v1/events`, events).catch(() => {})
    },
  )
  const cpuBefore = cpuOf(processes.map(({ pid }) => pid))
  const beganAt = performance.now()
  await post(`${urls.west}/v1/bootstrap`, { from: 'east', replace: true })
  let filledMs = 0
  let report: ResyncReport
  do {
    await sleep(20)
    const answer = await fetch(`${urls.west}/v1/resync`)
    report = ((await answer.json()) as { resync: ResyncReport }).resync
    const isFilled = ['catching-up', 'comparing', 'verified'].includes(report.phase)
    if (isFilled && filledMs === 0) filledMs = performance.now() - beganAt
  } while (report.endedAt === null)
  const verifiedMs = performance.now() - beganAt
  const cpuUsOfRow = (cpuOf(processes.map(({ pid }) => pid)) - cpuBefore) / rows
  const peakRssMib = Math.max(...processes.map(({ pid }) => usageOf(pid).peakRssBytes)) / 2 ** 20
  isOver = true
  await writing
  if (report.phase !== 'verified')
    throw new Error(`bootstrap: expected verified, found ${report.phase}: ${report.why}`)
  const bytes = await equal(stores)
  for (const each of processes) await stage.stop(each)
  return { database, rows, filledMs, verifiedMs, bytes, liveEvents, cpuUsOfRow, peakRssMib }
}

/** New rows, and every second one another text for one that is there. */
function liveEvent(n: number, rows: number): object {
  const id = n % 2 === 0 ? `live-${n}` : `r-${(n * 7919) % rows}`
  const op = n % 2 === 0 ? 'create' : 'update'
  return { id: `e-${n}`, op, table: 'adds', payload: { id, site: 'east', via: 'live', text: `text ${n}` } }
}

/** Rows with what they were merged from, as replication would have left them. */
function filling(database: string, rows: number): string {
  const [concat, numbers] =
    database === 'sqlite'
      ? [
          (...parts: string[]) => parts.join(' || '),
          `(WITH RECURSIVE n(seq) AS (SELECT 0 UNION ALL SELECT seq + 1 FROM n WHERE seq < ${rows - 1}) SELECT seq FROM n)`,
        ]
      : [(...parts: string[]) => `CONCAT(${parts.join(', ')})`, `seq_0_to_${rows - 1}`]
  const key = concat("'r-'", 'seq')
  const version = concat(
    `'{"kind":"register","seen":{"east":'`,
    'seq',
    `'},"stamp":{"hlc":"018c000000000000","origin":"east"},"row":null}'`,
  )
  const text =
    "'a row of about two hundred bytes, as an order with an address and a remark has it: 1 x 不倒翁, 12 Long Street, ring twice'"
  const hashed = database === 'sqlite' ? '' : " '',"
  return `INSERT INTO adds SELECT ${key}, 'east', 'fill', ${text} FROM ${numbers} AS n;
    INSERT INTO budao_rows SELECT 'adds', ${key}, ${version},${hashed} NULL FROM ${numbers} AS n`
}

/** Bytes of all rows as JSON. Throws where the sites do not come to have the same. */
async function equal(stores: Readonly<Record<string, Store>>): Promise<number> {
  const until = performance.now() + 60_000
  for (;;) {
    const texts = await Promise.all(
      Object.values(stores).map(async (store) =>
        JSON.stringify(await store.rows('SELECT * FROM adds ORDER BY id')),
      ),
    )
    const [here, there] = texts.map((text) => hash('sha256', text))
    if (here === there) return Buffer.byteLength(texts[0]!)
    if (performance.now() > until) throw new Error('the sites differ: no figure counts')
    await sleep(500)
  }
}

async function files(folder: string): Promise<Readonly<Record<string, Store>>> {
  const open = (site: string): Store => {
    const using = <T>(work: (db: DatabaseSync) => T): T => {
      const db = new DatabaseSync(join(folder, `${site}.db`), { timeout: 5000 })
      try {
        return work(db)
      } finally {
        db.close()
      }
    }
    return {
      exec: async (sql) => using((db) => db.exec(sql)),
      rows: async (sql) => using((db) => db.prepare(sql).all()),
    }
  }
  return { east: open('east'), west: open('west') }
}

/** Null where there is none. */
async function servers(t: TestContext): Promise<Readonly<Record<string, Store>> | null> {
  const stores: Record<string, Store> = {}
  for (const [index, site] of ['east', 'west'].entries()) {
    const args = ['--innodb-buffer-pool-size=256M', '--innodb-log-file-size=128M']
    const server = await startMariadb(t, { site: index + 1, args })
    if (server === undefined) return null
    const { host, port, user } = server
    const connection = await createConnection({ host, port, user, multipleStatements: true })
    t.after(() => connection.destroy())
    await connection.query(
      `CREATE DATABASE bench; USE bench;
       CREATE TABLE adds (id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, site VARCHAR(16), via VARCHAR(16), text VARCHAR(255)) DEFAULT CHARSET utf8mb4;
       CREATE TABLE counts (id VARCHAR(16) PRIMARY KEY, n INT NOT NULL); CREATE TABLE registers (id VARCHAR(16) PRIMARY KEY, v VARCHAR(64))`,
    )
    stores[site] = {
      config: { mariadb: { url: `mysql://root@127.0.0.1:${port}/bench`, capture: 'outbox' } },
      exec: async (sql) => void (await connection.query(sql)),
      rows: async (sql) => (await connection.query<RowDataPacket[]>(sql))[0],
    }
  }
  return stores
}

async function post(url: string, body: unknown): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${text}`)
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + usageOf(pid).cpuMicros, 0)
}
