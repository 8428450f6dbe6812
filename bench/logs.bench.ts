import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SeededDraws } from '@budao/testkit'
import { budaoCollector } from './logs/budao-collector.ts'
import type { Collector } from './logs/collector.ts'
import { writeLines } from './logs/log-lines.ts'
import { type LogGround, type LogRound, type LogScenario, runLogRound, wrongLines } from './logs/log-round.ts'
import { rsyslogCollector } from './logs/rsyslog-collector.ts'
import { describeMachine, machineText } from './machine.ts'
import { UsageError, wholeNumber } from './options.ts'
import { allowedCores } from './process-tree.ts'
import type { Stage } from './stage.ts'
import { pairedRatios, shuffled, spreadOf } from './statistics.ts'
import { spreadText, table } from './table.ts'

const usage = `npm run bench -- logs [options]

  --rounds N        measured rounds of each (default 3)
  --lines N         lines of a burst (default 500000)
  --seconds S       of the paced scenario (default 8)
  --scenario NAME   one or more of burst, text, sink, wide, paced; separated by commas (default all)
  --only NAME       one or more of budao, rsyslog
  --built           Budao as it is installed (npm run build first), not from source
  --seed S          of the order within a round (default 1)
  --json [FILE]     figures for programs; without FILE on standard output, and nothing else there

File to store and file to Elasticsearch's bulk: lines/s, CPU for each line, memory, beside rsyslog on the same files, each
collector on one core, but for wide. Exit code 1 when ours loses, repeats or changes a line.
`

const scenarios: readonly LogScenario[] = [
  {
    name: 'burst',
    about: 'JSON, all at once, into its own files',
    kind: 'json',
    destination: 'own',
    rate: null,
    cores: 'one',
  },
  {
    name: 'text',
    about: 'text, all at once, into its own files',
    kind: 'text',
    destination: 'own',
    rate: null,
    cores: 'one',
  },
  {
    name: 'sink',
    about: 'JSON, all at once, to a server’s _bulk',
    kind: 'json',
    destination: 'bulk',
    rate: null,
    cores: 'one',
  },
  {
    name: 'wide',
    about: 'the same with all cores for it and the server',
    kind: 'json',
    destination: 'bulk',
    rate: null,
    cores: 'all',
  },
  {
    name: 'paced',
    about: 'JSON, 20 000 lines/s, into its own files',
    kind: 'json',
    destination: 'own',
    rate: 20_000,
    cores: 'one',
  },
]

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: withStandardOutput(args),
    options: {
      rounds: { type: 'string', default: '3' },
      lines: { type: 'string', default: '500000' },
      seconds: { type: 'string', default: '8' },
      scenario: { type: 'string', default: scenarios.map(({ name }) => name).join() },
      only: { type: 'string', default: 'budao,rsyslog' },
      built: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const say = (text: string): void =>
    void (values.json === '-' ? process.stderr : process.stdout).write(`${text}\n`)
  const [core = 0, loadCore = core] = allowedCores()
  const ground: LogGround = {
    stage,
    core,
    loadCore,
    lines: wholeNumber('lines', values.lines, 1_000, 20_000_000),
    seconds: wholeNumber('seconds', values.seconds, 1, 600),
  }
  const rounds = wholeNumber('rounds', values.rounds, 1, 100)
  const random = new SeededDraws(wholeNumber('seed', values.seed, 0, 2 ** 31))
  const wanted = chosen('scenario', values.scenario, scenarios)
  const all = chosen('only', values.only, [
    budaoCollector(values.built ? 'built' : 'source'),
    rsyslogCollector,
  ])
  const machine = describeMachine()
  say(machineText(machine))
  const collectors: Collector[] = []
  const skipped: { readonly name: string; readonly reason: string }[] = []
  for (const collector of all) {
    const reason = await collector.missing()
    if (reason === null) collectors.push(collector)
    else skipped.push({ name: collector.name, reason })
  }
  for (const { name, reason } of skipped) say(`${name} is left out: ${reason}`)
  const told: LogRound[] = []
  let failed = false
  for (const scenario of wanted) {
    const able: Collector[] = []
    for (const collector of collectors) {
      const wrong = await wrongLines(collector, scenario, ground).catch((error: Error) => error.message)
      if (wrong === null) able.push(collector)
      else {
        say(`${scenario.name}: ${collector.name} is not timed: ${wrong}`)
        failed ||= collector.name === 'budao'
      }
    }
    const path = join(stage.folder, `${scenario.name}.log`)
    const bytes = scenario.rate === null ? writeLines(path, scenario.kind, 0, ground.lines) : 0
    const here: LogRound[] = []
    for (let round = 1; round <= rounds; round++)
      for (const collector of shuffled(able, random))
        here.push(await runLogRound(collector, scenario, { path, bytes }, round, ground))
    told.push(...here)
    if (here.length > 0) say(`\n${scenario.name}: ${scenario.about}\n${tableOf(scenario, able, here)}`)
  }
  const versions = Object.fromEntries(collectors.map((each) => [each.name, each.version()]))
  const json = `${JSON.stringify({ machine, versions, skipped, options: values, rounds: told }, null, 2)}\n`
  if (values.json === '-') process.stdout.write(json)
  else if (values.json !== undefined) writeFileSync(values.json, json)
  return failed ? 1 : 0
}

/** At most 80 columns. */
function tableOf(
  { rate }: LogScenario,
  collectors: readonly Collector[],
  rounds: readonly LogRound[],
): string {
  const of = (name: string): LogRound[] => rounds.filter(({ collector }) => collector === name)
  const values = (name: string, figure: (round: LogRound) => number): number[] => of(name).map(figure)
  const spread = (name: string, digits: number, figure: (round: LogRound) => number): string =>
    spreadText(spreadOf(values(name, figure)), digits)
  const median = (name: string, figure: (round: LogRound) => number): string =>
    spreadOf(values(name, figure)).median.toFixed(0)
  const megabytes = (bytes: number): number => bytes / 1e6
  const head = ['', '1000 lines/s', 'MB/s', 'CPU µs/line', 'core %', 'RSS MB idle', 'peak']
  const rows = collectors.map(({ name }) => [
    name,
    spread(name, 0, (round) => round.linesPerSecond / 1_000),
    median(name, (round) => round.megabytesPerSecond),
    spread(name, 2, (round) => round.cpuMicrosPerLine),
    median(name, (round) => round.busyPercent),
    median(name, (round) => megabytes(round.idleRssBytes)),
    median(name, (round) => megabytes(round.peakRssBytes)),
  ])
  const cpu = (name: string): Map<number, number> =>
    new Map(of(name).map(({ round, cpuMicrosPerLine }) => [round, cpuMicrosPerLine]))
  const ratios = collectors
    .filter(({ name }) => name !== 'budao' && of('budao').length > 0)
    .map(
      ({ name }) => `CPU budao / ${name}: ${spreadText(spreadOf(pairedRatios(cpu('budao'), cpu(name))), 2)}`,
    )
  const paced = rate === null ? [] : [`paced by the writer: lines/s say only that it kept up`]
  return [table(head, rows), ...ratios, ...paced].join('\n')
}

function chosen<T extends { readonly name: string }>(option: string, text: string, all: readonly T[]): T[] {
  return text.split(',').map((name) => {
    const found = all.find((each) => each.name === name)
    if (found !== undefined) return found
    throw new UsageError(
      `--${option}: expected some of ${all.map((each) => each.name).join(', ')}, got ${JSON.stringify(name)}`,
    )
  })
}

/** `--json` without a file means standard output. */
function withStandardOutput(args: readonly string[]): string[] {
  return args.map((each, i) =>
    each === '--json' && (args[i + 1] === undefined || args[i + 1]!.startsWith('--')) ? '--json=-' : each,
  )
}
