import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Scenario, Verdict } from './scenario.ts'
import { scenarios } from './scenarios.ts'

export const sdkUsage: string = [
  'Usage: npm run sim -- sdk [--seed N] [--runs M] [--scenario NAME]   (default: seed 1, all scenarios, each with its own number of runs)',
  ...Object.entries(scenarios).map(
    ([name, { about, runs }]) => `  ${name.padEnd(13)} ${about} (${runs} runs)`,
  ),
].join('\n')

/** Lives through scenarios of the SDK and prints what was measured. True when all of it holds. */
export async function simulateSdk(names: readonly string[], seed: number, runs?: number): Promise<boolean> {
  let well = true
  for (const name of names) {
    const scenario = scenarios[name]!
    console.log(`${name}: ${scenario.about}`)
    const { figures, broken } = await verdictOf(name, scenario, seed, runs ?? scenario.runs)
    for (const figure of figures) console.log(`  ${broken.includes(figure) ? 'BROKEN ' : ''}${figure}`)
    for (const line of broken) if (!figures.includes(line)) console.log(`  BROKEN ${line}`)
    if (broken.length > 0) {
      well = false
      console.log(
        `  again: npm run sim -- sdk --scenario ${name} --seed ${seed}${runs === undefined ? '' : ` --runs ${runs}`}`,
      )
    }
  }
  return well
}

async function verdictOf(
  name: string,
  scenario: Scenario<unknown>,
  first: number,
  runs: number,
): Promise<Verdict> {
  const parts: { seed: number; part: unknown }[] = []
  const left = Array.from({ length: runs }, (_, i) => first + i)
  const threads = Math.min(runs, availableParallelism())
  await Promise.all(
    Array.from({ length: threads }, () =>
      livesOf(
        name,
        () => left.shift(),
        (done) => void parts.push(done),
      ),
    ),
  )
  parts.sort((a, b) => a.seed - b.seed)
  return scenario.judge(parts.map(({ part }) => part))
}

/** One thread, which lives through seeds until there are none. */
function livesOf(
  scenario: string,
  next: () => number | undefined,
  done: (part: { seed: number; part: unknown }) => void,
): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { scenario } })
  return new Promise((resolve, reject) => {
    const ask = (): void => {
      const seed = next()
      if (seed === undefined) worker.terminate().then(() => resolve(), reject)
      else worker.postMessage(seed)
    }
    worker.on('message', (part: { seed: number; part: unknown }) => {
      done(part)
      ask()
    })
    worker.on('error', reject)
    ask()
  })
}
