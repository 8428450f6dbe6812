// npm run sim -- [--seed N] [--runs M]: incidents of the gateway's rules from N on, each printed before it is lived through.
// npm run sim -- sdk ...: phones with the SDK on networks that fail.
// npm run sim -- failover ...: controllers, observers and gateways of two sites while things break.
// npm run sim -- replication ...: two sites that write the same rows, over logs and networks that fail.
import { parseArgs } from 'node:util'
import { simulateFailover } from './failover/main.ts'
import { describe, drawIncident } from './incident.ts'
import { simulateReplication } from './replication/main.ts'
import { sdkUsage, simulateSdk } from './sdk/main.ts'
import { scenarios } from './sdk/scenarios.ts'
import { seedsThatFailed } from './seeds.ts'
import { live } from './world.ts'

const usage = 'Usage: npm run sim -- [--seed N] [--runs M]   (default: a seed of the moment, 100 runs)'
const [first, ...rest] = process.argv.slice(2)
const well =
  first === 'sdk'
    ? await simulatePhones(rest)
    : first === 'failover'
      ? await simulateFailover(rest)
      : first === 'replication'
        ? await simulateReplication(rest)
        : simulateIncidents(process.argv.slice(2))
if (!well) process.exitCode = 1

function simulateIncidents(args: readonly string[]): boolean {
  const { seed = Date.now() % 1_000_000, runs = 100 } = readOptions(args, usage)
  const seeds = [
    ...seedsThatFailed.map((failed) => failed.seed),
    ...Array.from({ length: runs }, (_, i) => seed + i),
  ]
  let broken = 0
  for (const each of seeds) {
    const incident = drawIncident(each)
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
  return broken === 0
}

async function simulatePhones(args: readonly string[]): Promise<boolean> {
  const { seed = 1, runs, scenario } = readOptions(args, sdkUsage)
  return simulateSdk(scenario === undefined ? Object.keys(scenarios) : [scenario], seed, runs)
}

interface Options {
  readonly seed: number | undefined
  readonly runs: number | undefined
  readonly scenario: string | undefined
}

function readOptions(args: readonly string[], help: string): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        runs: { type: 'string' },
        ...(help === sdkUsage ? { scenario: { type: 'string' } } : {}),
      },
    })
    const { seed, runs, scenario } = values as Record<string, string | undefined>
    if (seed !== undefined && !Number.isSafeInteger(Number(seed)))
      throw new Error(`--seed: expected a whole number, got ${seed}`)
    if (runs !== undefined && !(Number.isSafeInteger(Number(runs)) && Number(runs) >= 1))
      throw new Error(`--runs: expected 1 or more, got ${runs}`)
    if (scenario !== undefined && scenarios[scenario] === undefined)
      throw new Error(`--scenario: expected one of ${Object.keys(scenarios).join(', ')}, got ${scenario}`)
    return {
      seed: seed === undefined ? undefined : Number(seed),
      runs: runs === undefined ? undefined : Number(runs),
      scenario,
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n${help}`)
    process.exit(2)
  }
}
