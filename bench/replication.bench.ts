import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseArgs } from 'node:util'
import { HttpFront, logRoutes, RemoteLog, SegmentLog } from '@budao/replicator'
import { KafkaLog } from '@budao/replicator/kafka'
import { type KafkaBroker, startKafka } from '@budao/testkit'
import { describeMachine, machineText } from './machine.ts'
import { UsageError, wholeNumber } from './options.ts'
import { type LogSpeed, logSpeed } from './replication/log-speed.ts'
import {
  type Backlog,
  backlog,
  type BrokerAway,
  brokerAway,
  type SiteToSite,
  siteToSite,
} from './replication/site-scenarios.ts'
import type { Stage } from './stage.ts'

const usage = `npm run bench -- replication [options]

  --log NAME     embedded, kafka or both (default both)
  --events N     that are carried at full speed (default 50000)
  --paced N      events a second while lag is measured, and of live traffic (default 1000)
  --seconds S    of the paced load (default 5)
  --backlog S    seconds of paced traffic that wait for a peer that comes back (default 60; 0: leaves it out)
  --away S       seconds that the broker is away (default 20; 0: leaves it out)
  --json [FILE]  figures for programs; without FILE on standard output, and nothing else there

Both logs: what the log alone takes and gives; then two sites with SQLite, a replicator process each, from the commit at one to the commit at
the other. The writer, both replicators and the broker share this machine. Rows of both sites are compared before a figure is printed. MariaDB
to MariaDB is npm run bench -- replication-db.
`

interface Figures {
  readonly log?: LogSpeed
  readonly sites?: SiteToSite
  readonly backlog?: Backlog
  readonly away?: BrokerAway
}

interface Plan {
  readonly events: number
  readonly perSecond: number
  readonly seconds: number
  readonly backlogSeconds: number
  readonly awaySeconds: number
  readonly say: (text: string) => void
}

/** Fails when a row is missing or another at the peer; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: withFile(args),
    options: {
      log: { type: 'string', default: 'both' },
      events: { type: 'string', default: '50000' },
      paced: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '5' },
      backlog: { type: 'string', default: '60' },
      away: { type: 'string', default: '20' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  if (!['embedded', 'kafka', 'both'].includes(values.log))
    throw new UsageError(`--log: expected embedded, kafka or both, got ${values.log}`)
  const plan: Plan = {
    events: wholeNumber('events', values.events, 1000, 10_000_000),
    perSecond: wholeNumber('paced', values.paced, 1, 100_000),
    seconds: wholeNumber('seconds', values.seconds, 1, 600),
    backlogSeconds: wholeNumber('backlog', values.backlog, 0, 3600),
    awaySeconds: wholeNumber('away', values.away, 0, 3600),
    say: (text) => void (values.json === '-' ? process.stderr : process.stdout).write(`${text}\n`),
  }
  const machine = describeMachine()
  plan.say(machineText(machine))
  const figures: Record<string, Figures> = {}
  if (values.log !== 'kafka') figures['embedded'] = await embedded(stage, plan)
  if (values.log !== 'embedded') {
    const found = await kafka(stage, plan)
    if (found === null) return 1
    figures['kafka'] = found
  }
  const { say: _, ...options } = plan
  const json = `${JSON.stringify({ machine, ...options, figures }, null, 2)}\n`
  if (values.json === '-') process.stdout.write(json)
  else if (values.json !== undefined) writeFileSync(values.json, json)
  return 0
}

async function embedded(stage: Stage, plan: Plan): Promise<Figures> {
  const own = await SegmentLog.open({ folder: join(stage.folder, 'log') })
  const front = await HttpFront.listen({ host: '127.0.0.1', port: 0, handlers: logRoutes(own) })
  const peer = new RemoteLog({ url: `http://127.0.0.1:${front.port}` })
  const log = await logSpeed(own, peer, plan.events)
  await front.close()
  await own.close()
  return await overLog(stage, 'embedded', undefined, log, plan)
}

/** Null where no broker can be had. */
async function kafka(stage: Stage, plan: Plan): Promise<Figures | null> {
  const cleanups: (() => unknown)[] = []
  const t = {
    after: (work: () => unknown) => cleanups.push(work),
    skip: plan.say,
  } as unknown as TestContext
  try {
    const broker = await startKafka(t)
    if (broker === undefined) return null
    const own = await KafkaLog.open({ brokers: [broker.address], topic: 'alone' })
    const log = await logSpeed(own, own, plan.events)
    await own.close()
    const topic = topicOf(broker, 'sites')
    const figures = await overLog(stage, 'kafka', topic, log, plan)
    if (plan.awaySeconds === 0) return figures
    const { perSecond, awaySeconds, say } = plan
    const away = await brokerAway(stage, topicOf(broker, 'away'), broker, perSecond, awaySeconds, say)
    plan.say(
      `  broker away    ${away.seconds} s: at most ${Math.round(away.peakRssMib)} MiB, ${thousands(away.written)} events written, ` +
        `${thousands(away.refused)} refused by the full outbox, alarm seen at ${away.alarmAtPercent === null ? '–' : Math.round(away.alarmAtPercent)} %; ` +
        `all at the other site ${(away.drainedMs / 1000).toFixed(1)} s after it was back`,
    )
    return { ...figures, away }
  } finally {
    for (const work of cleanups.toReversed()) await work()
  }
}

async function overLog(
  stage: Stage,
  name: string,
  log: unknown,
  speed: LogSpeed,
  plan: Plan,
): Promise<Figures> {
  const { say, perSecond, backlogSeconds } = plan
  say(name)
  say(
    `  the log alone  ${thousands(speed.appendPerSecond)} events/s appended durably, ${thousands(speed.readPerSecond)} read and verified by a peer`,
  )
  const sites = await siteToSite(stage, `${name}-sites`, log, plan)
  say(
    `  site to site   ${thousands(sites.perSecond)} events/s, ${Math.round(sites.cpuUs)} µs of CPU each in both replicators`,
  )
  say(
    `  lag            p50 ${sites.lagMsP50.toFixed(1)} ms, p99 ${sites.lagMsP99.toFixed(1)} ms at ${perSecond}/s, from commit to commit`,
  )
  if (backlogSeconds === 0) return { log: speed, sites }
  const waited = await backlog(stage, `${name}-backlog`, log, perSecond, backlogSeconds)
  say(
    `  backlog        ${backlogSeconds} s of it (${thousands(waited.rows)} events) drained in ${(waited.drainedMs / 1000).toFixed(1)} s, the start of the process and live traffic included`,
  )
  return { log: speed, sites, backlog: waited }
}

function topicOf({ address }: KafkaBroker, topic: string): unknown {
  return { kafka: { brokers: { east: [address], west: [address] }, topic } }
}

/** `--json` without a file means standard output. */
function withFile(args: readonly string[]): string[] {
  return args.map((each, i) =>
    each === '--json' && (args[i + 1] === undefined || args[i + 1]!.startsWith('--')) ? '--json=-' : each,
  )
}

function thousands(count: number): string {
  return Math.round(count).toLocaleString('en').replaceAll(',', ' ')
}
