import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Share, Told } from './worker.ts'
import { live } from './world.ts'

export const replicationUsage = `Usage: npm run sim -- replication [--seed N] [--runs M] [--threads T]
       npm run sim -- replication --seed N --runs 1 [--history]   tells the story of one seed; histories as Jepsen has them
(default: a seed of the moment, 1000 runs, all CPUs)`

const sayEvery = 5000

/** `npm run sim -- replication`: two sites that write, over logs and networks that fail, with the real outbox and applier. */
export async function simulateReplication(args: readonly string[]): Promise<boolean> {
  const { seed, runs, threads, history } = readOptions(args)
  if (runs === 1) return tellStory(seed, history)
  const beganAt = performance.now()
  const total = { runs: 0, writes: 0, crashes: 0, moves: 0, lost: 0, truncations: 0, conflicts: 0 }
  const broken: number[] = []
  let nextSay = sayEvery
  const take = (told: Told): void => {
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += told[key]
    for (const { seed: each, violations } of told.broken) {
      broken.push(each)
      console.log(`seed ${each}`)
      for (const violation of violations.slice(0, 5)) console.log(`  BROKEN ${violation}`)
    }
    if (total.runs < nextSay) return
    nextSay += sayEvery
    console.error(`${total.runs} schedules, ${broken.length} broken`)
  }
  await Promise.all(
    Array.from({ length: threads }, (_, index) => {
      const share: Share = { first: seed + index, end: seed + runs, stride: threads }
      return new Promise<void>((resolve, reject) => {
        const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: share })
        worker.on('message', take)
        worker.on('error', reject)
        worker.on('exit', () => resolve())
      })
    }),
  )
  const seconds = (performance.now() - beganAt) / 1000
  console.log(
    `${total.runs} schedules from seed ${seed}, ${broken.length} broken; ${total.writes} writes, ${total.conflicts} conflicts, ${total.crashes} crashes, ` +
      `${total.moves} moves, ${total.lost} rows reported as lost over them, ${total.truncations} truncations noticed`,
  )
  console.log(
    `${seconds.toFixed(1)} s on ${threads} threads, ${Math.round((total.runs / seconds) * 60)} schedules a minute`,
  )
  if (broken.length > 0) console.log('npm run sim -- replication --seed N --runs 1 tells the story of one')
  return broken.length === 0
}

async function tellStory(seed: number, history: boolean): Promise<boolean> {
  const { story, violations, histories, ...figures } = await live(seed, true)
  if (history) {
    for (const [name, each] of Object.entries(histories)) console.log(`# ${name}\n${each.toJson()}`)
    return violations.length === 0
  }
  for (const line of story) console.log(`  ${line}`)
  for (const violation of violations) console.log(`  BROKEN ${violation}`)
  console.log(figures)
  return violations.length === 0
}

function readOptions(args: readonly string[]): {
  seed: number
  runs: number
  threads: number
  history: boolean
} {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        runs: { type: 'string' },
        threads: { type: 'string' },
        history: { type: 'boolean', default: false },
      },
    })
    const number = (key: 'seed' | 'runs' | 'threads', min: number, fallback: number): number => {
      const written = values[key]
      if (written === undefined) return fallback
      if (!Number.isSafeInteger(Number(written)) || Number(written) < min)
        throw new Error(`--${key}: expected a whole number from ${min} on, got ${written}`)
      return Number(written)
    }
    return {
      seed: number('seed', 0, Date.now() % 1_000_000),
      runs: number('runs', 1, 1000),
      threads: number('threads', 1, availableParallelism()),
      history: values.history,
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n${replicationUsage}`)
    process.exit(2)
  }
}
