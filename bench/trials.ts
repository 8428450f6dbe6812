// npm run trials -- failover [--runs N] [--seed S]: real processes in network namespaces, random faults, nobody writes in two epochs.
// npm run trials -- logs: what reads log files is killed; each line is in the store once.
// npm run trials -- replication: the same with two replicators; nothing acknowledged is lost, both sites end equal.
import { parseArgs } from 'node:util'
import { BudaoWorld, findOrInstall, whyNoCuts, whyNoNetwork } from '@budao/testkit'
import { Ends } from './failover/ends.ts'
import { describeTrial, type RandomTrial, runRandomTrial } from './failover/random-trial.ts'
import { keepStory } from './failover/story.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, UsageError, wholeNumber } from './options.ts'

const usage = `npm run trials -- failover [options]
npm run trials -- replication --help
npm run trials -- logs --help

  --runs N        (default 100)
  --seed S        of the first; each next one has the next (default: of the moment)
  --store NAME    sqlite, or etcd: three members, killed and stopped and cut off too (default sqlite)
  --fence NAME    lease or process (default lease)
  --stories PATH  a folder for what happened in runs that broke a rule (default trials)
  --realtime      its processes go before all others of a machine that does much else

Two gateways and a witness that all decide, with recording backends and clients, in network namespaces (needs root). In each run one to three faults at
random places: SIGKILL, SIGSTOP for up to 30 s, packets dropped in one direction or both. Exit code 1 when two epochs acknowledged writes side by side, a write was
applied twice, a move lost an acknowledged write that is older than it said, or nobody could write any more after the faults.
`

process.exitCode = await main(process.argv.slice(2))

async function main([name, ...args]: readonly string[]): Promise<number> {
  try {
    if (name === 'replication') return await (await import('./replication/trials.ts')).run(args)
    if (name === 'logs') return await (await import('./logs/trials.ts')).run(args)
    const { values } = parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string', default: '100' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        store: { type: 'string', default: 'sqlite' },
        fence: { type: 'string', default: 'lease' },
        stories: { type: 'string', default: 'trials' },
        realtime: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (name !== 'failover' || values.help) {
      process.stdout.write(usage)
      return values.help ? 0 : 2
    }
    const fence = oneOf('fence', values.fence, ['lease', 'process'] as const)
    const store = oneOf('store', values.store, ['sqlite', 'etcd'] as const)
    const runs = wholeNumber('runs', values.runs, 1, 100_000)
    const seed = wholeNumber('seed', values.seed, 0, 2 ** 31)
    return await trials({ fence, store, runs, seed, stories: values.stories, realtime: values.realtime })
  } catch (error) {
    const wrong =
      error instanceof UsageError ||
      String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')
    process.stderr.write(wrong ? `${(error as Error).message}\n${usage}` : `${(error as Error).stack}\n`)
    return wrong ? 2 : 1
  }
}

async function trials(plan: {
  readonly fence: 'lease' | 'process'
  readonly store: 'sqlite' | 'etcd'
  readonly runs: number
  readonly seed: number
  readonly stories: string
  readonly realtime: boolean
}): Promise<0 | 1> {
  const problem = (await whyNoNetwork()) ?? (await whyNoCuts())
  const etcd = plan.store === 'etcd' ? await findOrInstall('etcd-server', 'etcd') : undefined
  const missing = etcd?.kind === 'missing' ? `etcd is needed: ${etcd.reason}` : problem
  if (missing !== undefined) {
    say(`no trial can be made: ${missing}`)
    return 1
  }
  say(machineText(describeMachine()))
  const told: RandomTrial[] = []
  await using ends = new Ends()
  const world = new BudaoWorld(ends, {
    detection: 'accelerated',
    fence: plan.fence,
    replicates: true,
    realtime: plan.realtime,
    ...(etcd?.kind === 'found' ? { etcd: etcd.path } : {}),
  })
  await world.settled()
  for (let seed = plan.seed; seed < plan.seed + plan.runs && !ends.interrupted; seed++) {
    const trial = await runRandomTrial(world, seed)
    told.push(trial)
    say(describeTrial(trial))
    if (trial.violations.length > 0) say(`  ${keepStory(plan.stories, String(seed), world, trial)}`)
  }
  const sum = (count: (trial: RandomTrial) => number): number =>
    told.reduce((total, trial) => total + count(trial), 0)
  const broken = told.filter(({ violations }) => violations.length > 0)
  say(
    `${told.length} runs from seed ${plan.seed}, ${plan.store}, fence ${plan.fence}: ${broken.length} broken; ` +
      `${sum(({ findings }) => findings.acknowledged)} writes acknowledged, ${sum(({ findings }) => findings.refused)} refused by a backend, ` +
      `${sum(({ findings }) => findings.strays)} strays, ${sum(({ findings }) => Math.max(0, findings.epochs - 1))} times another epoch`,
  )
  say(
    `${sum(({ losses }) => losses?.lost ?? 0)} acknowledged writes lost in moves; ${sum(({ losses }) => losses?.reported ?? 0)} moves said how old what is lost may be, ` +
      `${sum(({ losses }) => losses?.unknown ?? 0)} did not know`,
  )
  return broken.length === 0 ? 0 : 1
}

function oneOf<T extends string>(option: string, text: string, from: readonly T[]): T {
  const found = from.find((each) => each === text)
  if (found === undefined) throw new UsageError(`--${option}: expected ${from.join(' or ')}, got ${text}`)
  return found
}
