import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { SeededDraws } from '@budao/testkit'
import { contenders } from './contenders/index.ts'
import type { Contender } from './contenders/contender.ts'
import { Contest } from './contest.ts'
import type { Entry, Ground } from './contest.ts'
import { gatewayReport, scenarioRatios, summaryReport } from './gateway-report.ts'
import type { ScenarioResult } from './gateway-report.ts'
import { describeMachine, machineText } from './machine.ts'
import { startNginxBackends } from './nginx-backends.ts'
import { need } from './need.ts'
import { say, UsageError, wholeNumber } from './options.ts'
import { allowedCores } from './process-tree.ts'
import { countErrors } from './rounds.ts'
import type { Round } from './rounds.ts'
import { scenarios } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'
import type { Stage } from './stage.ts'
import { shuffled } from './statistics.ts'

const usage = `npm run bench -- gateway [options]

  --scenario a,b     default plain; all; or of:
${scenarios.map(({ name, about }) => `                       ${name.padEnd(14)} ${about}`).join('\n')}
  --rounds N         measured rounds of each contender (default 5)
  --seconds S        length of one (default 5)
  --warmup S         load before each, not measured (default 2)
  --connections N    kept alive by the load (default 64)
  --rate N           requests a second of half-load (default: half of what ours can do, measured first, 4000 at most)
  --only a,b         of: ${contenders('source')
    .map(({ name }) => name)
    .join(', ')}
  --seed N           order within the rounds (default: drawn, printed)
  --built            ours as it is installed (after npm run build); default: from source
  --json FILE        every round's figures, and all ratios; - is standard output
  --profile FOLDER   CPU profiles of ours: no figures to quote, the profiler costs CPU

Example: npm run bench -- gateway --scenario plain,tls --rounds 3 --seconds 2 --only budao,nginx
`

/** Requests a second that the generator of an open loop keeps up with on half a core, beside the backends. */
const OPEN_LOAD_MAX = 4_000

/** Fails when ours is absent, answers wrongly or had errors; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const options = readOptions(args)
  if (options === 'help') {
    process.stdout.write(usage)
    return 0
  }
  const cores = allowedCores()
  const proxyCore = cores[0]!
  const loadCore = cores[1] ?? proxyCore
  const machine = describeMachine()
  say(machineText(machine))
  say(`proxy on core ${proxyCore}, load and backends on core ${loadCore}; seed ${options.seed}`)
  if (loadCore === proxyCore)
    say('One core only: proxy and load disturb each other, ratios are worth little.')

  const endpointsMax = Math.max(...options.scenarios.map(({ front }) => front.endpoints))
  const backends = await startNginxBackends(stage, await need('nginx'), loadCore, endpointsMax)
  const { seconds, warmup, connections, profile } = options
  const base = {
    proxyCore,
    loadCore,
    wrk: await need('wrk'),
    backends,
    seconds,
    warmup,
    connections,
    profile,
  }
  const rate = options.scenarios.some(({ load }) => load === 'half')
    ? (options.rate ?? (await halfSpeed(stage, { ...base, rate: 0 }, options.chosen)))
    : 0

  const random = new SeededDraws(options.seed)
  const results: ScenarioResult[] = []
  for (const scenario of options.scenarios) {
    const result = await compare(new Contest(stage, scenario, { ...base, rate }), scenario, options, random)
    results.push(result)
    say(gatewayReport(result))
    // The whole reason stands above, where it happened.
    for (const { contender, reason } of result.skipped)
      say(`${contender}: skipped. ${reason.split('\n', 1)[0]}`)
  }
  if (results.length > 1) say(summaryReport(results))
  if (options.json !== undefined) {
    const { seed } = options
    const record = {
      machine,
      seed,
      seconds,
      warmup,
      connections,
      rate,
      proxyCore,
      loadCore,
      scenarios: results.map((result) => ({
        name: result.scenario.name,
        versions: result.versions,
        ratios: scenarioRatios(result),
        skipped: result.skipped,
        rounds: result.rounds,
      })),
    }
    const text = `${JSON.stringify(record, null, 2)}\n`
    if (options.json === '-') process.stdout.write(text)
    else {
      writeFileSync(options.json, text)
      say(`rounds and ratios written to ${options.json}`)
    }
  }
  if (profile !== undefined)
    say(`Profiled: no figure of this run is worth quoting. CPU profiles are in ${profile}`)

  const wanted = options.chosen.some(({ name }) => name === 'budao')
  return wanted && results.some(oursFailed) ? 1 : 0
}

async function compare(
  contest: Contest,
  scenario: Scenario,
  { chosen, rounds: count }: Options,
  random: SeededDraws,
): Promise<ScenarioResult> {
  say(`\n${scenario.name}: ${scenario.about}`)
  const skipped: { contender: string; reason: string }[] = []
  const timed: Entry[] = []
  for (const contender of chosen) {
    const entry = await contest.admit(contender)
    if ('reason' in entry) {
      skipped.push({ contender: contender.name, reason: entry.reason })
      say(`${contender.name}: not timed. ${entry.reason}`)
    } else {
      timed.push(entry)
      say(`${contender.name} ${entry.version}: answers are right`)
    }
  }
  const rounds: Round[] = []
  for (let round = 1; round <= count; round++) {
    for (const entry of shuffled(timed, random)) {
      const measured = await contest.measure(entry, round)
      rounds.push(measured)
      const cpu = measured.proxy === null ? '' : `, ${measured.proxy.cpuMicrosPerRequest.toFixed(1)} µs CPU`
      say(`round ${round} ${measured.contender}: ${measured.requestsPerSecond.toFixed(0)} requests/s${cpu}`)
    }
  }
  const versions = Object.fromEntries(timed.map(({ contender, version }) => [contender.name, version]))
  return { scenario, names: timed.map(({ contender }) => contender.name), versions, skipped, rounds }
}

/** Half of what ours answers when it is asked as fast as it goes, now, on this machine. */
async function halfSpeed(stage: Stage, ground: Ground, chosen: readonly Contender[]): Promise<number> {
  const ours = chosen.find(({ name }) => name === 'budao')
  if (ours === undefined) throw new UsageError('half-load without budao among --only: give its --rate')
  const contest = new Contest(stage, { ...scenarios[0]!, name: 'full-speed' }, ground)
  const entry = await contest.admit(ours)
  if ('reason' in entry) throw new Error(`budao: ${entry.reason}`)
  const { requestsPerSecond } = await contest.measure(entry, 0)
  const rate = Math.min(OPEN_LOAD_MAX, Math.round(requestsPerSecond / 2))
  say(`full speed of budao: ${requestsPerSecond.toFixed(0)} requests/s; half-load: ${rate} requests/s`)
  return rate
}

function oursFailed({ names, rounds }: ScenarioResult): boolean {
  if (!names.includes('budao')) return true
  return rounds.some(({ contender, errors }) => contender === 'budao' && countErrors(errors) > 0)
}

interface Options {
  readonly scenarios: readonly Scenario[]
  readonly rounds: number
  readonly seconds: number
  readonly warmup: number
  readonly connections: number
  readonly rate: number | undefined
  readonly seed: number
  readonly chosen: readonly Contender[]
  readonly json: string | undefined
  readonly profile: string | undefined
}

function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', default: 'plain' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      warmup: { type: 'string', default: '2' },
      connections: { type: 'string', default: '64' },
      rate: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      built: { type: 'boolean', default: false },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const all = contenders(values.built ? 'built' : 'source')
  return {
    scenarios: values.scenario === 'all' ? scenarios : named('scenario', scenarios, values.scenario),
    rounds: wholeNumber('rounds', values.rounds, 1, 100),
    seconds: wholeNumber('seconds', values.seconds, 1, 600),
    warmup: wholeNumber('warmup', values.warmup, 0, 600),
    connections: wholeNumber('connections', values.connections, 1, 1_000),
    rate: values.rate === undefined ? undefined : wholeNumber('rate', values.rate, 1, 100_000),
    seed: wholeNumber('seed', values.seed ?? String(Date.now() % 1_000_000), 0, 2 ** 31),
    chosen: values.only === undefined ? all : named('contender', all, values.only),
    json: values.json,
    profile: values.profile === undefined ? undefined : resolve(values.profile),
  }
}

/** Those of the list that the option names, in the order of the list. */
function named<T extends { readonly name: string }>(what: string, all: readonly T[], list: string): T[] {
  const names = list.split(',')
  const unknown = names.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined) throw new UsageError(`no ${what} is called ${unknown}`)
  return all.filter(({ name }) => names.includes(name))
}
