import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EpochFindings,
  type LossFindings,
  machineNow,
  SeededDraws,
  type TrialWorld,
  trialSites,
} from '@budao/testkit'
import { begin, describeFault, drawFaults, end, type RandomFault } from './random-faults.ts'

const rate = 60
const timeoutMs = 3_000
/** Clients that were so late themselves had no time to run, and neither had anybody else. */
const starvedMs = 1_000
/** After the last fault writes have to be acknowledged through every gateway within this time: restarted processes, ten seconds between moves, damped flapping. */
const againMsMax = 90_000

export interface RandomTrial {
  readonly seed: number
  readonly faults: readonly RandomFault[]
  readonly violations: readonly string[]
  readonly findings: EpochFindings
  /** Null where nobody says what a move may lose. */
  readonly losses: LossFindings | null
  /** From the end of the last fault until writes were acknowledged through every gateway again, milliseconds; null: not in time. */
  readonly againMs: number | null
  /** The machine had no time for it: how long things took says nothing. */
  readonly starved: boolean
  /** Of the machine's monotonic clock. */
  readonly failedAt: number
}

/** Lives through what a seed says. The world may be in whatever state the run before left it in. */
export async function runRandomTrial(world: TrialWorld, seed: number): Promise<RandomTrial> {
  const draws = new SeededDraws(seed)
  const faults = drawFaults(draws, (place) => world.machines[place as 'east'].names)
  world.startLoad(rate, timeoutMs)
  const failedAt = machineNow()
  await Promise.all(
    faults.map(async (fault) => {
      await sleep(fault.fromMs)
      await begin(world, fault)
      await sleep(fault.forMs)
      end(world, fault)
    }),
  )
  world.revive()
  const wholeAt = machineNow()
  const againMs = await writesEverywhere(world, wholeAt)
  await world.stopLoad()
  const findings = world.check()
  const losses = world.losses()
  const starved = world.attempts.some(({ dueAt, sentAt }) => sentAt - dueAt > starvedMs)
  const violations = [
    ...findings.violations,
    ...(losses?.violations ?? []),
    ...(againMs === null && !starved
      ? [`no writes through every gateway within ${againMsMax / 1_000} s after the last fault`]
      : []),
  ]
  return { seed, faults, violations, findings, losses, againMs, starved, failedAt }
}

export function describeTrial(trial: RandomTrial): string {
  const { seed, faults, findings, losses, againMs, starved, violations } = trial
  const { acknowledged, epochs, refused, strays } = findings
  return [
    `seed ${seed}: ${faults.map(describeFault).join('; ')}`,
    `  ${acknowledged} writes acknowledged in ${epochs} epochs, ${refused} refused by a backend, ${strays} strays; again after ${againMs === null ? '–' : Math.round(againMs)} ms${starved ? ' (starved)' : ''}`,
    ...(losses === null || losses.reported + losses.unknown === 0
      ? []
      : [
          `  ${losses.lost} lost; ${losses.reported} moves said how much may be, ${losses.unknown} did not know`,
        ]),
    ...violations.map((violation) => `  BROKEN ${violation}`),
  ].join('\n')
}

async function writesEverywhere(world: TrialWorld, since: number): Promise<number | null> {
  const until = performance.now() + againMsMax
  while (performance.now() < until) {
    await sleep(500)
    const well = world.attempts.filter(
      ({ kind, status, sentAt }) => kind === 'write' && status === 200 && sentAt > since,
    )
    const firsts = trialSites.map((site) => well.find(({ via }) => via.endsWith(site))?.doneAt)
    if (firsts.every((at) => at !== undefined)) return Math.max(...firsts) - since
  }
  return null
}
