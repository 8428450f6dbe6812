import { writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { BinlogSource, type MariadbConnection } from '@budao/replicator/mariadb'
import { type MariadbServer, startKafka, startMariadb } from '@budao/testkit'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumber } from './options.ts'
import type { CarrierPlan } from './replication-carrier.ts'
import type { Stage } from './stage.ts'
import { table } from './table.ts'

const usage = `npm run bench -- replication-db [options]

  --rows N      row changes of the backlog that is drained (default 30000)
  --seconds N   of the paced load (default 10)
  --json FILE   figures as JSON

MariaDB to Kafka to MariaDB, and the same binlog by MariaDB's own replication, one after the other on this machine. The backlog
is written first; then it is drained, and the clock runs from the start of whoever drains to the last row. The paced load is
1 000 rows/s in transactions of 5; when a row is there is seen by asking the receiving server again and again. Both copies are
compared with the original before a figure is printed.
`

const rowsOfTransaction = 10
const pacedRows = 5
const pacedPerSecond = 200

interface Figures {
  readonly name: string
  readonly rowsPerSecond: number
  readonly lagMsP50: number
  readonly lagMsP99: number
  readonly lagMsMax: number
}

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '30000' },
      seconds: { type: 'string', default: '10' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const rows = wholeNumber('rows', values.rows, 100, 1_000_000)
  const seconds = wholeNumber('seconds', values.seconds, 1, 120)
  const cleanups: (() => unknown)[] = []
  const t = {
    after: (work: () => unknown) => cleanups.push(work),
    skip: (reason: string) => say(reason),
  } as unknown as TestContext
  try {
    const east = await startMariadb(t, { site: 1, args: big })
    const west = await startMariadb(t, { site: 2, args: big })
    const replica = await startMariadb(t, { site: 3, args: [...big, '--gtid-strict-mode=OFF'] })
    const broker = await startKafka(t)
    if (east === undefined || west === undefined || replica === undefined || broker === undefined) return 1
    const machine = describeMachine()
    say(machineText(machine))
    const plan = {
      from: connectionOf(east),
      to: connectionOf(west),
      broker: broker.address,
      topic: 'bench',
      table: 'things',
    }
    const figures = [
      await measure(stage, 'Budao, by Kafka', { rows, seconds, east, target: west, ours: plan }),
      await measure(stage, "MariaDB's own", { rows, seconds, east, target: replica, ours: null }),
    ]
    const [ours, own] = figures as [Figures, Figures]
    say('')
    say(
      table(
        ['', 'rows/s drained', 'lag p50 ms', 'p99', 'max'],
        figures.map(({ name, rowsPerSecond, lagMsP50, lagMsP99, lagMsMax }) => [
          name,
          rowsPerSecond.toFixed(0),
          ...[lagMsP50, lagMsP99, lagMsMax].map((ms) => ms.toFixed(1)),
        ]),
      ),
    )
    say(`\nrows/s of ours to its own: ${(ours.rowsPerSecond / own.rowsPerSecond).toFixed(2)}`)
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify({ machine, rows, seconds, figures }, null, 2)}\n`)
    }
    return 0
  } finally {
    for (const work of cleanups.toReversed()) await work()
  }
}

const big = ['--innodb-buffer-pool-size=256M', '--innodb-log-file-size=128M']

interface Trial {
  readonly rows: number
  readonly seconds: number
  readonly east: MariadbServer
  readonly target: MariadbServer
  /** Null: by replication of the server's own. */
  readonly ours: CarrierPlan | null
}

async function measure(stage: Stage, name: string, trial: Trial): Promise<Figures> {
  const { rows, seconds, east, target, ours } = trial
  const writer = await open(east)
  const reader = await open(target)
  try {
    for (const each of [writer, reader]) {
      await each.query(
        `DROP DATABASE IF EXISTS bench; CREATE DATABASE bench; USE bench;
         CREATE TABLE things (id INT PRIMARY KEY, n INT NOT NULL, note VARCHAR(100) NOT NULL)`,
      )
    }
    const begin = await prepare(writer, reader, east, ours)
    for (let id = 0; id < rows; id += rowsOfTransaction) await insert(writer, id, rowsOfTransaction)
    const started = performance.now()
    const stop = await begin(stage)
    await seen(reader, rows - 1)
    const rowsPerSecond = rows / ((performance.now() - started) / 1000)
    const lags = await paced(writer, await open(target), rows, seconds)
    await compare(writer, reader)
    await stop()
    const at = (share: number): number => lags[Math.min(lags.length - 1, Math.floor(lags.length * share))]!
    return { name, rowsPerSecond, lagMsP50: at(0.5), lagMsP99: at(0.99), lagMsMax: lags.at(-1)! }
  } finally {
    writer.destroy()
    reader.destroy()
  }
}

/** Fixes where the copy begins; what comes back starts it, and then stops it. */
async function prepare(
  writer: Connection,
  reader: Connection,
  east: MariadbServer,
  ours: CarrierPlan | null,
): Promise<(stage: Stage) => Promise<() => Promise<void>>> {
  if (ours === null) {
    const [[found]] = await writer.query<RowDataPacket[]>('SELECT @@gtid_binlog_pos AS at')
    await reader.query('SET GLOBAL gtid_slave_pos = ?', [found!['at']])
    await reader.query(
      `CHANGE MASTER TO master_host = '127.0.0.1', master_port = ?, master_user = 'root', master_use_gtid = slave_pos`,
      [east.port],
    )
    return async () => {
      await reader.query('START SLAVE')
      return async () => void (await reader.query('STOP SLAVE'))
    }
  }
  const source = await BinlogSource.open({ connection: ours.from, site: 'east', tables: [ours.table] })
  await source.close()
  return async (stage) => {
    const script = fileURLToPath(new URL('replication-carrier.ts', import.meta.url))
    const carrier = stage.startNode('carrier', [script, JSON.stringify(ours)])
    await carrier.waitForOutput(/carrying/, 60_000)
    return () => stage.stop(carrier)
  }
}

/** Rows at a fixed pace; how long each was on its way, milliseconds, the shortest first. */
async function paced(
  writer: Connection,
  watcher: Connection,
  from: number,
  seconds: number,
): Promise<number[]> {
  const written: number[] = []
  const there: { readonly at: number; readonly id: number }[] = []
  const watching = new AbortController()
  const watch = (async () => {
    while (!watching.signal.aborted) {
      there.push({ id: await highest(watcher), at: performance.now() })
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  const begun = performance.now()
  for (let n = 0; n < seconds * pacedPerSecond; n++) {
    const due = begun + (n * 1000) / pacedPerSecond
    if (performance.now() < due)
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, due - performance.now())))
    await insert(writer, from + n * pacedRows, pacedRows)
    // Acknowledged: from here on somebody may count on it.
    written.push(performance.now())
  }
  const last = from + written.length * pacedRows - 1
  await seen(watcher, last, there)
  watching.abort()
  await watch
  watcher.destroy()
  const lags: number[] = []
  let next = 0
  for (const [n, at] of written.entries()) {
    while (there[next]!.id < from + (n + 1) * pacedRows - 1) next++
    lags.push(Math.max(0, there[next]!.at - at))
  }
  return lags.toSorted((a, b) => a - b)
}

async function seen(
  reader: Connection,
  id: number,
  watched?: readonly { readonly id: number }[],
): Promise<void> {
  const until = performance.now() + 120_000
  while ((watched === undefined ? await highest(reader) : (watched.at(-1)?.id ?? -1)) < id) {
    if (performance.now() > until) throw new Error(`row ${id} did not arrive within 120 s`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function highest(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>('SELECT MAX(id) AS id FROM bench.things')
  return Number(row!['id'] ?? -1)
}

async function insert(writer: Connection, from: number, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) => [
    from + n,
    n,
    `a note of some length about row ${from + n}`,
  ])
  await writer.query('INSERT INTO bench.things VALUES ?', [rows])
}

async function compare(one: Connection, other: Connection): Promise<void> {
  const sums: string[] = []
  for (const each of [one, other]) {
    const [[row]] = await each.query<RowDataPacket[]>('CHECKSUM TABLE bench.things')
    sums.push(String(row!['Checksum']))
  }
  if (sums[0] !== sums[1]) throw new Error('the copy differs from the original: no figure of it counts')
}

function connectionOf({ host, port, user }: MariadbServer): MariadbConnection {
  return { host, port, user, database: 'bench' }
}

async function open({ host, port, user }: MariadbServer): Promise<Connection> {
  return await createConnection({ host, port, user, multipleStatements: true })
}
