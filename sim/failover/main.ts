import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { printFigures } from './figures.ts'
import { printMonth } from './quiet-month.ts'
import { describeSchedule, drawSchedule } from './schedule.ts'
import { seedsThatFailed } from './seeds.ts'
import type { Share, Told } from './worker.ts'
import { live } from './world.ts'

export const failoverUsage = `Usage: npm run sim -- failover [--seed N] [--runs M] [--threads T]
       npm run sim -- failover --seed N --runs 1      tells the whole story of one seed
       npm run sim -- failover --scenario figures     from fault to the next write, by fault and mode
       npm run sim -- failover --scenario month       30 quiet days: false failovers
(default: a seed of the moment, 1000 runs, all CPUs)`

/** So many broken runs tell their story, and so much of its end. */
const storiesMax = 3
const storyLines = 40
/** How often a long campaign says how far it is, in schedules. */
const sayEvery = 5000

/** `npm run sim -- failover`: schedules from a seed on, over threads; or one of the scenarios. */
export async function simulateFailover(args: readonly string[]): Promise<boolean> {
  const { seed, runs, threads, scenario } = readOptions(args)
  if (scenario === 'figures') return printFigures(runs ?? 100)
  if (scenario === 'month') return printMonth(runs ?? 30)
  if (runs === 1) return tellStory(seed)
  return runMany(seed, runs ?? 1000, threads)
}

function tellStory(seed: number): boolean {
  const schedule = drawSchedule(seed)
  console.log(describeSchedule(schedule))
  const { story, violations, firstWrites: _, ...figures } = live(schedule, { tells: true })
  for (const line of story) console.log(`  ${line}`)
  console.log(figures)
  return violations.length === 0
}

async function runMany(first: number, runs: number, threads: number): Promise<boolean> {
  const beganAt = performance.now()
  const converged: number[] = []
  const broken: Told['broken'][number][] = []
  let nextSay = sayEvery
  const total = { runs: 0, writes: 0, lost: 0, moves: 0 }
  for (const { seed } of seedsThatFailed) {
    const { violations } = live(drawSchedule(seed))
    if (violations.length > 0) broken.push({ seed, violations })
  }
  const shares = Array.from({ length: threads }, (_, index): Share => ({
    first: first + index,
    end: first + runs,
    stride: threads,
  }))
  const take = (told: Told): void => {
    total.runs += told.runs
    total.writes += told.writes
    total.lost += told.lost
    total.moves += told.moves
    if (total.runs >= nextSay) {
      nextSay += sayEvery
      console.error(`${total.runs} schedules, ${broken.length} broken`)
    }
    converged.push(...told.convergedMs)
    for (const { seed, violations } of told.broken) {
      broken.push({ seed, violations })
      console.log(describeSchedule(drawSchedule(seed)))
      for (const violation of violations.slice(0, 5)) console.log(`  BROKEN ${violation}`)
      if (broken.length <= storiesMax) {
        const { story } = live(drawSchedule(seed), { tells: true })
        for (const line of story.slice(-storyLines)) console.log(`    ${line}`)
      }
    }
  }
  await Promise.all(
    shares.map(
      (share) =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: share })
          worker.on('message', take)
          worker.on('error', reject)
          worker.on('exit', () => resolve())
        }),
    ),
  )
  const seconds = (performance.now() - beganAt) / 1000
  converged.sort((a, b) => a - b)
  const at = (share: number): number =>
    Math.round(converged[Math.min(converged.length - 1, Math.floor(converged.length * share))] ?? 0)
  console.log(
    `${total.runs} schedules from seed ${first}, ${broken.length} broken; ${total.moves} moves, ${total.writes} writes acknowledged, ` +
      `${total.lost} of them reported as lost within what the new owner said`,
  )
  console.log(`writes again after the last fault: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`)
  const perMinute = Math.round((total.runs / seconds) * 60)
  console.log(`${seconds.toFixed(1)} s on ${threads} threads, ${perMinute} schedules a minute`)
  if (broken.length > 0) console.log(`npm run sim -- failover --seed N --runs 1 tells the story of one`)
  return broken.length === 0
}

function readOptions(args: readonly string[]): {
  seed: number
  runs: number | undefined
  threads: number
  scenario: string | undefined
} {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        runs: { type: 'string' },
        threads: { type: 'string' },
        scenario: { type: 'string' },
      },
    })
    const { scenario } = values
    if (scenario !== undefined && !['figures', 'month'].includes(scenario))
      throw new Error(`--scenario: expected figures or month, got ${scenario}`)
    const number = (key: 'seed' | 'runs' | 'threads', min: number): number | undefined => {
      const written = values[key]
      if (written === undefined) return undefined
      if (!Number.isSafeInteger(Number(written)) || Number(written) < min)
        throw new Error(`--${key}: expected a whole number from ${min} on, got ${written}`)
      return Number(written)
    }
    return {
      seed: number('seed', 0) ?? Date.now() % 1_000_000,
      runs: number('runs', 1),
      threads: number('threads', 1) ?? availableParallelism(),
      scenario,
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n${failoverUsage}`)
    process.exit(2)
  }
}
