import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { machineDeathRange, type Range, serviceFailureRange, type TakeoverTimes } from '@budao/model/vrrp'
import { findOrInstall, whyNoNetwork } from '@budao/testkit'
import { FailoverTrial, type TrialPlan, type TrialResult } from './failover-trial.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, UsageError, wholeNumber } from './options.ts'
import { spreadOf } from './statistics.ts'
import { spreadText, table } from './table.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- keepalived [options]

  --rounds N      trials of each case (default 3)
  --only A,B      cases by name: ${['weight 2', 'weight 20', '…'].join(', ')}
  --json FILE     every trial

Two nodes with the real keepalived, in network namespaces (needs root). The first one holds the address and fails; how long until
the second one has it? Priorities 100 and 90, adverts and scripts each second, fall 2, as people write it by hand; then what Budao
renders, with two gateways of which one is killed. Beside each the range that the model says.
`

interface Case extends Omit<TrialPlan, 'program'> {
  readonly name: string
  /** Undefined: never. */
  readonly range: Range | undefined
  /** The first node keeps the address too. */
  readonly onBoth?: boolean
}

const hand: TakeoverTimes = { version: 2, advertMs: 1_000, intervalMs: 1_000, fall: 2, backupPriority: 90 }
const ours: TakeoverTimes = { version: 3, advertMs: 1_000, intervalMs: 1_000, fall: 2, backupPriority: 240 }

const cases: readonly Case[] = [
  { name: 'weight 2', fault: 'script', hand: { weight: 2, nopreempt: false }, range: undefined },
  {
    name: 'weight 20',
    fault: 'script',
    hand: { weight: 20, nopreempt: false },
    range: serviceFailureRange('outvoted', { ...hand, backupPriority: 110 }),
  },
  {
    name: 'weight -20',
    fault: 'script',
    hand: { weight: -20, nopreempt: false },
    range: serviceFailureRange('outvoted', hand),
  },
  {
    name: 'weight 0 (fault)',
    fault: 'script',
    hand: { weight: 0, nopreempt: false },
    range: serviceFailureRange('fault', hand),
  },
  {
    name: 'weight -20 with nopreempt',
    fault: 'script',
    hand: { weight: -20, nopreempt: true },
    range: undefined,
  },
  {
    name: 'keepalived killed',
    fault: 'keepalived',
    hand: { weight: 0, nopreempt: false },
    range: machineDeathRange(hand),
    onBoth: true,
  },
  { name: 'rendered: gateway killed', fault: 'gateway', range: serviceFailureRange('fault', ours) },
  {
    name: 'rendered with watch: gateway killed',
    fault: 'gateway',
    watch: true,
    range: serviceFailureRange('fault', { ...ours, intervalMs: 100, fall: 3 }),
  },
  // Each question takes as long as it may: a second of the check, half a second of the watch.
  {
    name: 'rendered: gateway stopped',
    fault: 'hang',
    range: later(serviceFailureRange('fault', ours), 1_000),
  },
  {
    name: 'rendered with watch: gateway stopped',
    fault: 'hang',
    watch: true,
    range: later(serviceFailureRange('fault', { ...ours, intervalMs: 500, fall: 3 }), 500),
  },
]

function later(range: Range | undefined, ms: number): Range | undefined {
  return range && { leastMs: range.leastMs + ms, mostMs: range.mostMs + ms }
}

export async function run(args: readonly string[]): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      only: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const rounds = wholeNumber('rounds', values.rounds, 1, 1_000)
  const chosen = choose(values.only)
  const program = await findOrInstall('keepalived')
  const problem = program.kind === 'missing' ? program.reason : await whyNoNetwork()
  if (problem !== undefined || program.kind === 'missing') {
    say(`nothing can be measured: ${problem}`)
    return 1
  }
  say(machineText(describeMachine()))
  const results = new Map<string, TrialResult[]>(chosen.map(({ name }) => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    await playRound(chosen, program.path, results)
  }
  say(tableOf(chosen, results))
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine: describeMachine(), results: Object.fromEntries(results) }, null, 2)}\n`,
    )
  return judge(chosen, results).exitCode
}

function choose(only: string | undefined): readonly Case[] {
  if (only === undefined) return cases
  const names = only.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !cases.some((each) => each.name === name))
  if (unknown !== undefined)
    throw new UsageError(
      `--only: expected some of ${cases.map(({ name }) => name).join('; ')}, got ${unknown}`,
    )
  return cases.filter(({ name }) => names.includes(name))
}

/** All cases at once, each in a network of its own: most of the time they wait. */
async function playRound(
  chosen: readonly Case[],
  program: string,
  results: Map<string, TrialResult[]>,
): Promise<void> {
  const ends: (() => unknown)[] = []
  const cleanup = { after: (work: () => unknown) => ends.push(work) }
  try {
    const trials = chosen.map((each) => ({ each, trial: new FailoverTrial(cleanup, { ...each, program }) }))
    await Promise.all(trials.map(({ trial }) => trial.settle()))
    await Promise.all(
      trials.map(async ({ each, trial }) => {
        // Each at a moment of its own of the second in which scripts and adverts come.
        await sleep(1_000 + Math.random() * 1_000)
        results.get(each.name)!.push(await trial.run())
      }),
    )
  } finally {
    for (const end of ends) await end()
  }
}

function tableOf(chosen: readonly Case[], results: ReadonlyMap<string, readonly TrialResult[]>): string {
  const rows = chosen.map(({ name, range }) => {
    const times = results.get(name)!.map(({ ms }) => ms)
    const moved = times.filter((ms) => ms !== null)
    const measured = moved.length === 0 ? 'never' : spreadText(spreadOf(moved.map((ms) => ms / 1_000)), 2)
    const modelled = range === undefined ? 'never' : `${seconds(range.leastMs)}–${seconds(range.mostMs)}`
    const both = results.get(name)!.filter(({ onBoth }) => onBoth).length
    return [
      name,
      measured,
      modelled,
      `${moved.length}/${times.length}`,
      both === 0 ? 'no' : `${both}/${times.length}`,
    ]
  })
  return table(['case', 'seconds', 'model', 'moved', 'on both'], rows)
}

/** Whether it moves and who has it then decides; how fast it does is printed. */
function judge(chosen: readonly Case[], results: ReadonlyMap<string, readonly TrialResult[]>): Verdict {
  const verdict = new Verdict()
  for (const { name, range, onBoth = false } of chosen) {
    const trials = results.get(name)!
    const moved = trials.filter(({ ms }) => ms !== null)
    const as =
      range === undefined
        ? 'never moves'
        : onBoth
          ? 'moves, and stays behind too'
          : 'moves, and is on one node'
    const holds =
      range === undefined
        ? moved.length === 0
        : moved.length === trials.length && trials.every((trial) => trial.onBoth === onBoth)
    verdict.expect(holds, `${name}: ${as}`, `${moved.length} of ${trials.length} moved`)
  }
  return verdict
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2)
}
