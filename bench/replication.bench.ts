import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { MergeRule, ReplicationConfig } from '@budao/model'
import { HttpFront, logRoutes, RemoteLog, SegmentLog, SqliteOutbox, startReplicator } from '@budao/replicator'
import { freePort, testEvent } from '@budao/testkit'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumber } from './options.ts'
import type { Stage } from './stage.ts'

const usage = `npm run bench -- replication [options]

  --events N     changes that are carried (default 50000)
  --paced N      changes a second while lag is measured (default 1000)
  --seconds S    how long (default 5)
  --json FILE    figures for programs

The embedded log: appended durably, read by a peer over HTTP; and two sites with SQLite, from the writer's commit to the peer's. Both
sites, their writers and the network between them are one process on one core: two machines have more.
`

const tables = { orders: { rule: { name: 'last-writer' } } } as const satisfies Record<
  string,
  { rule: MergeRule }
>

interface Figures {
  appendPerSecond: number
  readPerSecond: number
  sqlitePerSecond: number
  /** Of both sites and the writer together, microseconds. */
  sqliteCpuUs: number
  lagP50Ms: number
  lagP99Ms: number
}

/** Fails when a change is missing or doubled at the peer; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '50000' },
      paced: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '5' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const events = wholeNumber('events', values.events, 1000, 10_000_000)
  const paced = wholeNumber('paced', values.paced, 1, 100_000)
  const seconds = wholeNumber('seconds', values.seconds, 1, 600)
  const machine = describeMachine()
  say(machineText(machine))

  const log = await embeddedLog(join(stage.folder, 'log'), events)
  say(
    `embedded log   ${thousands(log.appendPerSecond)} events/s appended durably, ${thousands(log.readPerSecond)} events/s read by a peer`,
  )
  const sites = await twoSites(join(stage.folder, 'sites'), events, paced, seconds)
  say(
    `SQLite         ${thousands(sites.sqlitePerSecond)} events/s from site to site, ${Math.round(sites.sqliteCpuUs)} µs of CPU each: writer and both sites in one process`,
  )
  say(
    `lag            p50 ${sites.lagP50Ms.toFixed(1)} ms, p99 ${sites.lagP99Ms.toFixed(1)} ms at ${paced}/s, from commit to the peer's commit`,
  )
  const figures: Figures = { ...log, ...sites }
  if (values.json !== undefined)
    writeFileSync(values.json, JSON.stringify({ machine, events, paced, seconds, figures }, null, 2))
  return 0
}

async function embeddedLog(
  folder: string,
  count: number,
): Promise<Pick<Figures, 'appendPerSecond' | 'readPerSecond'>> {
  const log = await SegmentLog.open({ folder })
  const front = await HttpFront.listen({ host: '127.0.0.1', port: 0, handlers: logRoutes(log) })
  const transactions = Array.from({ length: count }, (_, n) => [testEvent(n)])
  const beganAt = performance.now()
  // As many writers at once as a busy site has.
  const writers = Array.from({ length: 64 }, async (_, writer) => {
    for (let n = writer * 16; n < count; n += 64 * 16)
      await log.append(transactions.slice(n, n + 16), 'durable')
  })
  await Promise.all(writers)
  const appendMs = performance.now() - beganAt
  const { logId, end } = await log.bounds()
  if (end !== count) throw new Error(`expected ${count} entries in the log, found ${end}`)
  const readAt = performance.now()
  const reader = new RemoteLog({ url: `http://127.0.0.1:${front.port}` }).read({
    logId,
    partition: 0,
    offset: 0,
  })
  const seen = new Set<string>()
  let read = 0
  while (read < count) {
    for (const { events } of (await reader.next()) ?? []) {
      for (const { id } of events) seen.add(id)
      read += events.length
    }
  }
  const readMs = performance.now() - readAt
  reader.close()
  await front.close()
  await log.close()
  if (seen.size !== count) throw new Error(`expected ${count} different events, read ${seen.size}`)
  return { appendPerSecond: (count / appendMs) * 1000, readPerSecond: (count / readMs) * 1000 }
}

async function twoSites(
  folder: string,
  count: number,
  paced: number,
  seconds: number,
): Promise<Omit<Figures, 'appendPerSecond' | 'readPerSecond'>> {
  mkdirSync(folder, { recursive: true })
  const ports = { east: await freePort(), west: await freePort() }
  const [east, west] = [await startSite(folder, 'east', ports), await startSite(folder, 'west', ports)]
  const db = new DatabaseSync(east.path)
  const outbox = new SqliteOutbox({ db, site: 'east', tables })
  const watching = new DatabaseSync(west.path)
  const here = watching.prepare('SELECT count(*) AS n FROM orders')
  const countThere = (): number => Number(here.get()!['n'])
  const write = (from: number, to: number): void =>
    outbox.transaction(() => {
      for (let n = from; n < to; n++) {
        outbox.write({
          id: `o-${n}`,
          txId: `o-${n}`,
          op: 'create',
          table: 'orders',
          payload: { id: n, text: 'a row of an order' },
        })
      }
    })
  const beganAt = performance.now()
  const cpuBefore = process.cpuUsage()
  for (let n = 0; n < count; n += 500) {
    write(n, Math.min(count, n + 500))
    await pause(0)
  }
  while (countThere() < count) await pause(5)
  const sqlitePerSecond = (count / (performance.now() - beganAt)) * 1000

  const { user, system } = process.cpuUsage(cpuBefore)
  const sqliteCpuUs = (user + system) / count

  const lags: number[] = []
  const waiting: { readonly upTo: number; readonly at: number }[] = []
  let written = count
  const end = performance.now() + seconds * 1000
  const share = Math.max(1, Math.round(paced / 100))
  while (performance.now() < end || waiting.length > 0) {
    if (performance.now() < end) {
      write(written, (written += share))
      waiting.push({ upTo: written, at: performance.now() })
    }
    await pause(10)
    const there = countThere()
    while (waiting.length > 0 && waiting[0]!.upTo <= there) lags.push(performance.now() - waiting.shift()!.at)
  }
  for (const site of [east, west]) await site.close()
  const [atEast, atWest] = [Number(db.prepare('SELECT count(*) AS n FROM orders').get()!['n']), countThere()]
  db.close()
  watching.close()
  if (atEast !== written || atWest !== written)
    throw new Error(`expected ${written} rows at both, found ${atEast} and ${atWest}`)
  lags.sort((a, b) => a - b)
  const at = (share_: number): number => lags[Math.min(lags.length - 1, Math.floor(lags.length * share_))]!
  return { sqlitePerSecond, sqliteCpuUs, lagP50Ms: at(0.5), lagP99Ms: at(0.99) }
}

/** A site's replicator as its configuration makes it. */
async function startSite(
  folder: string,
  site: string,
  ports: Readonly<Record<string, number>>,
): Promise<{ readonly path: string; close(): Promise<void> }> {
  const path = join(folder, `${site}.db`)
  const plain = new DatabaseSync(path)
  plain.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY, text TEXT)')
  plain.close()
  const url = (port: number): string => `http://127.0.0.1:${port}`
  const replication: ReplicationConfig = {
    listen: `127.0.0.1:${ports[site]!}`,
    sites: Object.fromEntries(Object.entries(ports).map(([each, port]) => [each, { url: url(port) }])),
    database: { sqlite: { path } },
    log: { embedded: { bytesMax: 4 * 1024 ** 3, segmentBytes: 64 * 1024 ** 2, keep: 86_400_000 } },
    peerTimeout: 2000,
    onPeerLoss: 'block',
    outbox: 10_000_000,
    tables: { orders: { rule: 'last-writer', durability: 'async', schemaVersion: 1 } },
  }
  const config = { node: { name: site, site }, dataDir: join(folder, site), replication }
  const running = await startReplicator({
    config,
    baseDir: folder,
    onAlarm: ({ message }) => say(`${site}: ${message}`),
  })
  return { path, close: () => running.close() }
}

function thousands(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en').replaceAll(',', ' ')
}
