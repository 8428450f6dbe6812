// npm run sim -- [--seed N] [--runs M]: incidents from N on, each printed before it is lived through.
import { parseArgs } from 'node:util'
import { describe, drawIncident } from './incident.ts'
import { seedsThatFailed } from './seeds.ts'
import { live } from './world.ts'

const usage = 'Usage: npm run sim -- [--seed N] [--runs M]   (default: a seed of the moment, 100 runs)'
const options = readOptions()
const seeds = [
  ...seedsThatFailed.map(({ seed }) => seed),
  ...Array.from({ length: options.runs }, (_, i) => options.first + i),
]
let broken = 0
for (const seed of seeds) {
  const incident = drawIncident(seed)
  console.log(describe(incident))
  const { violations, requests, answered, retries, failed } = live(incident)
  const why = Object.entries(failed).map(([reason, count]) => `, ${count} ${reason}`)
  console.log(`  ${requests} requests, ${answered} answered, ${retries} retries${why.join('')}`)
  for (const violation of violations) console.log(`  BROKEN ${violation}`)
  if (violations.length > 0) broken++
}
console.log(
  `${seeds.length} incidents, ${broken} broken${broken > 0 ? ': npm run sim -- --seed N --runs 1 replays one' : ''}`,
)
if (broken > 0) process.exitCode = 1

function readOptions(): { first: number; runs: number } {
  try {
    const { values } = parseArgs({
      options: { seed: { type: 'string' }, runs: { type: 'string', default: '100' } },
    })
    const first = Number(values.seed ?? Date.now() % 1_000_000)
    const runs = Number(values.runs)
    if (!Number.isSafeInteger(first)) throw new Error(`--seed: expected a whole number, got ${values.seed}`)
    if (!Number.isSafeInteger(runs) || runs < 1)
      throw new Error(`--runs: expected 1 or more, got ${values.runs}`)
    return { first, runs }
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}
