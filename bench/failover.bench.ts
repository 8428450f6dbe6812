import { parseArgs } from 'node:util'
import {
  findOrInstall,
  SeededDraws,
  type SiteFault,
  siteFaults,
  whyNoCuts,
  whyNoNetwork,
} from '@budao/testkit'
import { type Arm, arms, benchFaults, type TrialPrograms } from './failover/arms.ts'
import { Ends } from './failover/ends.ts'
import { keepStory } from './failover/story.ts'
import { summarize, tableOf } from './failover/summary.ts'
import { earlierTrials, keepResults, type Terms, type Told } from './failover/told.ts'
import { countsAsMeasured, runTrial, type TrialResult } from './failover/trial.ts'
import { poolSize, WorldPool } from './failover/world-pool.ts'
import { describeMachine, machineText } from './machine.ts'
import { UsageError, wholeNumber } from './options.ts'
import type { Stage } from './stage.ts'
import { shuffled } from './statistics.ts'

/** Of ours: longer than a lease takes to end, and the move after it. */
const slowMs = 2_800

const usage = `npm run bench -- failover [options]

  --runs N        trials of each fault for each contender that count (default 5)
  --only A,B      contenders: ${arms.map(({ name }) => name).join('; ')}
  --fault A,B     of ${siteFaults.join(', ')} (default ${benchFaults.join(', ')})
  --seed S        order and moments (default 1)
  --json          print JSON on standard output, everything else on standard error
  --file FILE     keep the JSON there too, after every trial
  --resume        go on with what FILE has: the same seed, faults and contenders, perhaps more runs
  --worlds N      of each contender, which take turns (default: as many as keep a site from being damped)
  --realtime      its processes go before all others of a machine that does much else
  --stories PATH  a folder: what happened in every trial of ours that took longer than ${slowMs / 1_000} s or broke a rule

Two sites, a witness and clients in network namespaces (needs root). Clients write 100 times a second through every gateway; the site that writes
fails; how long until a write is acknowledged again? Every write is noted with its epoch where it is applied: none of two epochs at once.
`

const waitMsMax = 30_000
/** Of two trials that do not count, because this machine had no time for its clients, one is made up for. */
const turnsPerRun = 1.5
/** Worlds that come to nothing, for whatever reason, before the bench itself does. */
const replacedMax = 3

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  stage.leaveSignals()
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      fault: { type: 'string' },
      json: { type: 'boolean', default: false },
      realtime: { type: 'boolean', default: false },
      file: { type: 'string' },
      resume: { type: 'boolean', default: false },
      worlds: { type: 'string' },
      stories: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const runs = wholeNumber('runs', values.runs, 1, 10_000)
  const seed = wholeNumber('seed', values.seed, 0, 2 ** 31)
  const chosen = choose(
    'only',
    values.only,
    arms.map(({ name }) => name),
  ).map((name) => arms.find((arm) => arm.name === name)!)
  const faults = choose<SiteFault>('fault', values.fault, siteFaults, benchFaults)
  const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`)
  const programs = await findPrograms(values.realtime)
  if (typeof programs === 'string') {
    say(`nothing can be measured: ${programs}`)
    return 1
  }
  const machine = describeMachine()
  say(machineText(machine))
  const terms = { seed, faults, arms: chosen.map(({ name, about }) => ({ name, about })) }
  const { file } = values
  if (values.resume && file === undefined) throw new UsageError('--resume needs --file FILE')
  const jsonOf = (results: readonly Told[]): string =>
    `${JSON.stringify({ machine, ...terms, runs, summary: summarize(results), results }, null, 2)}\n`
  const results = await measure({
    ...{ chosen, terms, runs, programs, say, stories: values.stories },
    earlier: values.resume ? earlierTrials(file!, terms) : [],
    worlds:
      values.worlds === undefined ? poolSize(chosen.length) : wholeNumber('worlds', values.worlds, 1, 20),
    keep: (told) => {
      if (file !== undefined) keepResults(file, jsonOf(told))
    },
  })
  say(tableOf(summarize(results)))
  if (values.json) process.stdout.write(jsonOf(results))
  return judge(results, say)
}

async function measure(plan: {
  readonly chosen: readonly Arm[]
  readonly terms: Terms
  readonly runs: number
  readonly earlier: readonly Told[]
  readonly worlds: number
  readonly programs: TrialPrograms
  readonly say: (text: string) => void
  readonly keep: (results: readonly Told[]) => void
  readonly stories: string | undefined
}): Promise<Told[]> {
  const { chosen, runs, say } = plan
  const draws = new SeededDraws(plan.terms.seed)
  const results = [...plan.earlier]
  await using ends = new Ends()
  const counted = (arm: Arm, fault: SiteFault): number =>
    results.filter((each) => each.arm === arm.name && each.fault === fault && countsAsMeasured(each)).length
  const beganAt = performance.now()
  say(
    `starting ${plan.worlds} worlds of each contender; one at a time is measured, once all that was started answers and none of its observers abstains`,
  )
  let replaced = 0
  // All stand side by side the whole time, and one at a time is asked for something.
  const pools = new Map(
    chosen.map((arm) => [arm, new WorldPool(() => arm.make(ends, plan.programs), plan.worlds)]),
  )
  for (let turn = 1; turn <= runs * turnsPerRun + 1; turn++) {
    for (const fault of plan.terms.faults)
      for (const arm of shuffled(chosen, draws)) {
        const phaseMs = draws.next() * (arm.name === 'budao-literal' ? 3_000 : 1_000)
        const done = results.some(
          (each) => each.turn === turn && each.arm === arm.name && each.fault === fault,
        )
        if (done || counted(arm, fault) >= runs) continue
        if (ends.interrupted) return results
        const world = pools.get(arm)!.next()
        let result: TrialResult
        try {
          result = await runTrial(world, fault, { phaseMs, waitMsMax })
        } catch (error) {
          if (++replaced > replacedMax) throw error
          say(
            `  ${arm.name} gets another world, which is not measured: ${(error as Error).message.slice(0, 300)}`,
          )
          await pools.get(arm)!.replace(world)
          continue
        }
        const told = { arm: arm.name, turn, ...result }
        results.push(told)
        plan.keep(results)
        const bad = (told.writesMs ?? Infinity) > slowMs || told.findings.violations.length > 0
        if (plan.stories !== undefined && bad && arm.name.startsWith('budao'))
          say(`  ${keepStory(plan.stories, `${turn}-${arm.name}-${fault}`, world, told)}`)
        const { settleMs, move, site } = told
        const seconds = Math.round((performance.now() - beganAt) / 1000)
        const verdict = move?.verdictMs == null ? '' : `, verdict after ${move.verdictMs} ms`
        const settled = settleMs < 500 ? '' : ` (settled after ${(settleMs / 1000).toFixed(1)} s)`
        say(
          `${seconds} s  ${counted(arm, fault)}/${runs}  ${fault} of ${site}, ${arm.name}: ` +
            `${wordOf(told)}${verdict}${settled}`,
        )
      }
  }
  return results
}

function wordOf(told: Told): string {
  if (told.writesMs === null) return `never, within ${waitMsMax / 1_000} s`
  const counts = countsAsMeasured(told) ? '' : ', does not count'
  return `${Math.round(told.writesMs)} ms${counts}`
}

/** Whether ours writes again, and never in two epochs, decides; how fast is printed. */
function judge(results: readonly Told[], say: (text: string) => void): 0 | 1 {
  const ours = results.filter(({ arm }) => arm.startsWith('budao'))
  const broken = ours.flatMap(({ arm, turn, fault, findings }) =>
    findings.violations.map((violation) => `${arm}, run ${turn}, ${fault}: ${violation}`),
  )
  for (const each of broken) say(`FAILED  ${each}`)
  const late = results.filter((each) => !countsAsMeasured(each)).length
  if (late > 0) say(`${late} trials do not count: the clients themselves were stopped around the fault`)
  return broken.length === 0 ? 0 : 1
}

async function findPrograms(realtime: boolean): Promise<TrialPrograms | string> {
  const problem = (await whyNoNetwork()) ?? (await whyNoCuts())
  if (problem !== undefined) return problem
  const [nginx, keepalived] = [await findOrInstall('nginx'), await findOrInstall('keepalived')]
  if (nginx.kind === 'missing') return `nginx is needed: ${nginx.reason}`
  if (keepalived.kind === 'missing') return `keepalived is needed: ${keepalived.reason}`
  const etcd = await findOrInstall('etcd-server', 'etcd')
  if (etcd.kind === 'missing') return `etcd is needed: ${etcd.reason}`
  return { nginx: nginx.path, keepalived: keepalived.path, etcd: etcd.path, realtime }
}

function choose<T extends string>(
  option: string,
  text: string | undefined,
  from: readonly T[],
  all: readonly T[] = from,
): readonly T[] {
  if (text === undefined) return all
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !from.includes(name as T))
  if (unknown !== undefined)
    throw new UsageError(`--${option}: expected some of ${from.join('; ')}, got ${unknown}`)
  return from.filter((name) => names.includes(name))
}
