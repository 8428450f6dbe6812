import { dirname } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import type { DrillReport } from '../drill/drill-report.ts'
import type { DrillPlan } from '../drill/drill-plan.ts'
import { configOption, jsonOption, readConfigFile } from '../locate-config.ts'
import { createPaint, printJson, printLine } from '../output.ts'

type Say = (line: string) => void

interface Options {
  readonly site?: string
  readonly config?: string
  readonly via?: URL
  readonly path: string
  readonly rate: number
  readonly duration: string
  readonly killAfter: string
  readonly slow: string
  readonly returnWithin: string
  readonly token?: string
  readonly force?: true
  readonly reason?: string
  readonly demo?: true
  readonly json?: true
}

const example = `
Example:
  $ budao drill site-loss --site east -c budao.yaml
  $ budao drill site-loss --site east --rate 500 --duration 20s --json
  $ budao drill site-loss --demo

The processes are those of sites.NAME.pidFile in the configuration: lines of
\`PID name\`, where the name is an argument of the process. No other is touched.
The gateway keeps drill.started and drill.finished among its events.
Exits with 0 when no request failed, 1 otherwise. Answers of the fallback are
counted apart and are no failures.`

/** `budao drill`: fails on purpose what Budao must survive, under load, and measures it. */
export function drillVerb(program: Command): void {
  program
    .command('drill')
    .description('Fail something on purpose, under load, and measure it.')
    .command('site-loss')
    .description('Kill the processes of a site with SIGKILL, and say what users saw of it.')
    .option('--site <name>', 'the site to lose')
    .option(...configOption)
    .option('--via <url>', 'origin of the gateway (default: its first listener)', parseOrigin)
    .option('--path <path>', 'what is asked for, with GET', parsePath, '/api/products?page=1')
    .option('--rate <n>', 'requests a second', parseRate, 1000)
    .option('--duration <time>', 'how long the load lasts', '15s')
    .option('--kill-after <time>', 'from the start of the load', '5s')
    .option('--slow <time>', 'an answer that takes longer disturbs users', '500ms')
    .option('--return-within <time>', 'how long the site’s return is waited for', '60s')
    .option(
      '--token <token>',
      'operator token of the admin API (default: $BUDAO_TOKEN, or the configuration’s)',
    )
    .option('--force', 'even if it is the last usable site; needs --reason')
    .option('--reason <text>', 'why the last usable site may be lost')
    .option('--demo', 'start the demo shop on free ports, and drill that')
    .option(...jsonOption)
    .addHelpText('after', example)
    .action(runSiteLoss)
}

/** Every request is kept until the end, to be counted exactly. */
const timeMsMax = 600_000

/** Progress is for people: it must not spoil what a program reads. */
const say: Say = (line) => printLine(line, process.stderr)

async function runSiteLoss(options: Options): Promise<void> {
  if (options.demo && (options.config ?? options.via) !== undefined) {
    throw new CliError('--demo brings its own configuration and gateway: leave out -c and --via', 2)
  }
  if (!options.demo && options.site === undefined) throw new CliError('--site: name the site to lose', 2)
  if (options.force && !options.reason?.trim()) throw new CliError('--force needs --reason TEXT', 2)
  const { formatDuration, parseDuration } = await import('@budao/model')
  const time = (flag: string, text: string): number => {
    const ms = parseDuration(text)
    if (ms !== undefined && ms <= timeMsMax) return ms
    throw new CliError(
      `${flag}: expected a time up to ${formatDuration(timeMsMax)}, such as 500ms, 15s or 1m, got ${text}`,
      2,
    )
  }
  const plan: DrillPlan = {
    site: options.site ?? 'east',
    path: options.path,
    ...(options.via === undefined ? {} : { via: options.via }),
    rate: options.rate,
    durationMs: time('--duration', options.duration),
    killAfterMs: time('--kill-after', options.killAfter),
    slowMs: time('--slow', options.slow),
    returnWithinMs: time('--return-within', options.returnWithin),
    ...(options.force ? { forceReason: options.reason! } : {}),
  }
  if (plan.killAfterMs >= plan.durationMs) throw new CliError('--kill-after: must be less than --duration', 2)

  const report = options.demo ? await drillDemo(plan) : await drill(plan, options.config, options.token)
  if (options.json) printJson(report)
  else {
    const { formatDrill } = await import('../drill/print-drill.ts')
    printLine(formatDrill(report, createPaint()))
  }
  process.exitCode = report.passed ? 0 : 1
}

async function drillDemo(plan: DrillPlan): Promise<DrillReport> {
  const { startDemo } = await import('../drill/demo.ts')
  say('starting the demo shop on free ports')
  await using demo = await startDemo()
  return await drill(plan, demo.configs[0])
}

async function drill(plan: DrillPlan, configFile?: string, token?: string): Promise<DrillReport> {
  const [{ parseConfig, formatProblem }, { AdminApi }, { reachable, siteLossOptions }, { siteLoss }] =
    await Promise.all([
      import('@budao/model/parser'),
      import('../drill/admin-api.ts'),
      import('../drill/drill-plan.ts'),
      import('../drill/site-loss.ts'),
    ])
  const file = await readConfigFile(configFile)
  const parsed = parseConfig(file.text, file.name)
  if (!parsed.ok) throw new CliError(parsed.problems.map(formatProblem).join('\n'), 2)
  const { address, tokens } = parsed.config.admin
  const secret = token ?? process.env['BUDAO_TOKEN'] ?? tokens?.operator ?? tokens?.viewer
  const options = siteLossOptions(plan, parsed.config, dirname(file.path))
  return siteLoss(new AdminApi(`http://${reachable(address)}`, secret), options, say)
}

function parseOrigin(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text)
    if (url.protocol === 'http:' || url.protocol === 'https:') return url
  }
  throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:8080.')
}

function parsePath(text: string): string {
  if (/^\/(?!\/)[^\s#]*$/.test(text)) return text
  throw new InvalidArgumentError('Expected a path that starts with one /.')
}

function parseRate(text: string): number {
  const rate = Number(text)
  if (Number.isInteger(rate) && rate >= 1 && rate <= 20_000) return rate
  throw new InvalidArgumentError('Expected a whole number from 1 to 20000.')
}
