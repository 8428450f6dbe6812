import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  findOrInstall,
  SeededDraws,
  type SiteFault,
  siteFaults,
  type TrialWorld,
  whyNoCuts,
  whyNoNetwork,
} from '@budao/testkit'
import { type Arm, arms, benchFaults, type TrialPrograms } from './failover/arms.ts'
import { Ends } from './failover/ends.ts'
import { distributionOf, distributionText } from './failover/distribution.ts'
import { keepStory } from './failover/story.ts'
import { countsAsMeasured, runTrial, type TrialResult } from './failover/trial.ts'
import { describeMachine, machineText } from './machine.ts'
import { UsageError, wholeNumber } from './options.ts'
import type { Stage } from './stage.ts'
import { shuffled } from './statistics.ts'
import { table } from './table.ts'

/** Of ours: longer than the worst that is computed for a lease. */
const slowMs = 3_500

const usage = `npm run bench -- failover [options]

  --runs N        faults of each kind for each contender (default 5)
  --only A,B      contenders: ${arms.map(({ name }) => name).join('; ')}
  --fault A,B     of ${siteFaults.join(', ')} (default ${benchFaults.join(', ')})
  --seed S        order and moments (default 1)
  --json          print JSON on standard output, everything else on standard error
  --file FILE     write the JSON there too
  --realtime      its processes go before all others of a machine that does much else
  --stories PATH  a folder: what happened in every trial of ours that took longer than ${slowMs / 1_000} s or broke a rule

Two sites, a witness and clients in network namespaces (needs root). Clients write 100 times a second through every gateway; the site that writes
fails; how long until a write is acknowledged again? Every write is noted with its epoch where it is applied: none of two epochs at once.
`

const waitMsMax = 30_000

interface Told extends TrialResult {
  readonly arm: string
  readonly turn: number
}

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
  const results = await measure({ chosen, faults, runs, seed, programs, say, stories: values.stories })
  const summary = summarize(results)
  say(tableOf(summary))
  const json = `${JSON.stringify({ machine, seed, arms: chosen.map(({ name, about }) => ({ name, about })), summary, results }, null, 2)}\n`
  if (values.file !== undefined) writeFileSync(values.file, json)
  if (values.json) process.stdout.write(json)
  return judge(results, say)
}

async function measure(plan: {
  readonly chosen: readonly Arm[]
  readonly faults: readonly SiteFault[]
  readonly runs: number
  readonly seed: number
  readonly programs: TrialPrograms
  readonly say: (text: string) => void
  readonly stories: string | undefined
}): Promise<Told[]> {
  const draws = new SeededDraws(plan.seed)
  const results: Told[] = []
  await using ends = new Ends()
  // All stand side by side the whole time, and one at a time is asked for something.
  const worlds = new Map<Arm, TrialWorld>()
  for (const arm of plan.chosen) worlds.set(arm, arm.make(ends, plan.programs))
  for (let turn = 1; turn <= plan.runs; turn++) {
    for (const fault of plan.faults)
      for (const arm of shuffled(plan.chosen, draws)) {
        if (ends.interrupted) return results
        const told = {
          arm: arm.name,
          turn,
          ...(await runTrial(worlds.get(arm)!, fault, {
            phaseMs: draws.next() * (arm.name === 'budao-literal' ? 3_000 : 1_000),
            waitMsMax,
          })),
        }
        results.push(told)
        const bad = (told.writesMs ?? Infinity) > slowMs || told.findings.violations.length > 0
        if (plan.stories !== undefined && bad && arm.name.startsWith('budao'))
          plan.say(`  ${keepStory(plan.stories, `${turn}-${arm.name}-${fault}`, worlds.get(arm)!, told)}`)
        const took =
          told.writesMs === null ? `never, within ${waitMsMax / 1_000} s` : `${Math.round(told.writesMs)} ms`
        plan.say(`${turn}/${plan.runs}  ${fault} of ${told.site}, ${arm.name}: ${took}`)
      }
  }
  return results
}

interface Row {
  readonly fault: SiteFault
  readonly arm: string
  readonly trials: number
  readonly never: number
  readonly writes: ReturnType<typeof distributionOf>
  readonly reads: ReturnType<typeof distributionOf>
  readonly failedWrites: number
  readonly violations: number
  readonly strays: number
  /** Trials in which writes were applied at one site, at the other, and at the first again: side by side. */
  readonly split: number
}

function summarize(results: readonly Told[]): Row[] {
  const groups = Map.groupBy(results.filter(countsAsMeasured), ({ fault, arm }) => `${fault} ${arm}`)
  return [...groups.values()].map((group) => {
    const { fault, arm } = group[0]!
    const sum = (count: (each: Told) => number): number =>
      group.reduce((total, each) => total + count(each), 0)
    return {
      ...{
        fault,
        arm,
        trials: group.length,
        never: group.filter(({ writesMs }) => writesMs === null).length,
      },
      writes: distributionOf(group.flatMap(({ writesMs }) => writesMs ?? [])),
      reads: distributionOf(group.map(({ readsMs }) => readsMs)),
      failedWrites: sum(({ failedWrites }) => failedWrites),
      violations: sum(({ findings }) => findings.violations.length),
      strays: sum(({ findings }) => findings.strays),
      split: group.filter(({ findings }) => findings.turns > 1).length,
    }
  })
}

function tableOf(rows: readonly Row[]): string {
  return table(
    [
      'fault, contender',
      'n',
      'never',
      'write again p50 / p90 / p99 / max ms',
      'reads away p50 / max ms',
      'broken',
      'strays',
      'side by side',
    ],
    rows.map(({ fault, arm, trials, never, writes, reads, violations, strays, split }) => [
      `${fault}, ${arm}`,
      String(trials),
      String(never),
      distributionText(writes),
      reads === null ? '–' : `${Math.round(reads.p50)} / ${Math.round(reads.max)}`,
      String(violations),
      String(strays),
      String(split),
    ]),
  )
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
