import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseArgs } from 'node:util'
import { startKafka, whyNoCuts, whyNoNetwork } from '@budao/testkit'
import { Ends } from '../failover/ends.ts'
import { describeMachine, machineText } from '../machine.ts'
import { say, UsageError, wholeNumber } from '../options.ts'
import { describeTrial, drawPlan, runTrial, type Trial } from './trial.ts'
import { historyOf } from './trial-check.ts'
import { ReplicationWorld } from './trial-world.ts'

const usage = `npm run trials -- replication [options]

  --runs N        (default 200)
  --seed S        of the first; each next one has the next (default: of the moment)
  --mode NAME     sync or async: when a write is acknowledged (default sync)
  --database NAME sqlite, or mariadb: a server for each site, which is killed and stopped too (default sqlite)
  --log NAME      embedded, or kafka: a broker on a machine of its own (default embedded)
  --slow N        everything N times slower, for a machine that does much else (default 1)
  --stories PATH  a folder for what happened in runs that broke a rule (default trials)
  --json FILE     figures and seeds for programs

Two sites with a database each, in network namespaces (needs root); applications write at both, over HTTP and through the outbox. In each
run one to four faults: SIGKILL, SIGSTOP, packets dropped in one direction or both; in half of the sync runs and all of the async ones a site is then lost
while it writes. Exit code 1 when an acknowledged write was lost in sync, one was applied twice or in part, the sites did not become equal, or,
in async, the list of lost writes that is reported is not the list of those that were.
`

const outputLines = 200

export async function run(args: readonly string[]): Promise<0 | 1 | 2> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      mode: { type: 'string', default: 'sync' },
      log: { type: 'string', default: 'embedded' },
      database: { type: 'string', default: 'sqlite' },
      slow: { type: 'string', default: '1' },
      stories: { type: 'string', default: 'trials' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const { mode, log, database } = values
  if (database !== 'sqlite' && database !== 'mariadb')
    throw new UsageError(`--database: expected sqlite or mariadb, got ${database}`)
  if (log !== 'embedded' && log !== 'kafka')
    throw new UsageError(`--log: expected embedded or kafka, got ${log}`)
  if (mode !== 'sync' && mode !== 'async') throw new UsageError(`--mode: expected sync or async, got ${mode}`)
  const runs = wholeNumber('runs', values.runs, 1, 100_000)
  const first = wholeNumber('seed', values.seed, 0, 2 ** 31)
  const slow = wholeNumber('slow', values.slow, 1, 100)
  const problem = (await whyNoNetwork()) ?? (await whyNoCuts())
  if (problem !== undefined) {
    say(`no trial can be made: ${problem}`)
    return 1
  }
  const machine = describeMachine()
  say(machineText(machine))
  await using ends = new Ends()
  const world = new ReplicationWorld(ends)
  const t = { after: (work: () => unknown) => ends.after(work), skip: say } as unknown as TestContext
  if (database === 'mariadb' && !(await world.useMariadb(t))) return 1
  if (log === 'kafka') {
    const broker = await startKafka(t, {}, world.brokerHost)
    if (broker === undefined) return 1
    world.broker = broker.address
  }
  const told: Trial[] = []
  for (let seed = first; seed < first + runs && !ends.interrupted; seed++) {
    const trial = await runTrial(world, drawPlan(seed, mode, world.isMariadb), slow)
    told.push(trial)
    say(describeTrial(trial))
    if (trial.findings.violations.length > 0) say(`  ${keepStory(values.stories, world, trial)}`)
    await world.end()
  }
  const figures = sum(told)
  say(
    `${told.length} ${mode} runs from seed ${first}, ${database}, ${log}: ${figures.broken.length} broken; ${figures.acknowledged} writes acknowledged, ` +
      `${figures.refused} refused, ${figures.unknown} unknown; ${figures.sitesLost} sites lost, with ${figures.writesLost} acknowledged writes that nobody else had`,
  )
  if (values.json !== undefined) {
    const settings = { mode, database, log, slow, first, runs: told.length }
    writeFileSync(values.json, `${JSON.stringify({ machine, ...settings, ...figures }, null, 2)}\n`)
  }
  return figures.broken.length === 0 ? 0 : 1
}

function sum(told: readonly Trial[]): {
  readonly broken: readonly number[]
  readonly acknowledged: number
  readonly refused: number
  readonly unknown: number
  readonly sitesLost: number
  readonly writesLost: number
} {
  const of = (count: (trial: Trial) => number): number =>
    told.reduce((total, trial) => total + count(trial), 0)
  return {
    broken: told.filter(({ findings }) => findings.violations.length > 0).map(({ seed }) => seed),
    acknowledged: of(({ findings }) => findings.acknowledged),
    refused: of(({ findings }) => findings.refused),
    unknown: of(({ findings }) => findings.unknown),
    sitesLost: of(({ lost }) => (lost === null ? 0 : 1)),
    writesLost: of(({ findings }) => findings.lost.length),
  }
}

/** What the programs said, and the history as Jepsen's own tools read it. Returns the file. */
function keepStory(folder: string, world: ReplicationWorld, trial: Trial): string {
  mkdirSync(folder, { recursive: true })
  const { evidence, findings, ...plan } = trial
  const name = join(folder, `replication-${trial.durability}-${trial.seed}`)
  for (const [site, rows] of Object.entries(evidence.rows)) {
    const history = historyOf(Object.values(evidence.attempts).flat(), rows)
    writeFileSync(`${name}-${site}.jsonl`, history.map((op) => JSON.stringify(op)).join('\n'))
  }
  writeFileSync(
    `${name}.txt`,
    [JSON.stringify({ ...plan, findings, evidence }, null, 2), world.story(outputLines)].join('\n'),
  )
  return `${name}.txt`
}
