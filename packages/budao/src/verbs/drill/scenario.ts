import type { Command } from 'commander'
import { CliError } from '../../cli-error.ts'
import type { ReadinessCheck } from '../../drill/readiness-check.ts'
import type { Scenario } from '../../drill/scenario.ts'
import { createPaint, printJson, printLine } from '../../output.ts'
import { parsePid, planOf, withDrillOptions } from './options.ts'
import type { DrillVerbOptions } from './options.ts'

/** Progress is for people: it must not spoil what a program reads. */
export const say = (line: string): void => printLine(line, process.stderr)

/** `budao drill SCENARIO`. */
export function scenarioVerb(drill: Command, scenario: Scenario): void {
  const { name, summary, hits, endedBy, mayFail } = scenario
  const verb = withDrillOptions(drill.command(name).description(summary), {
    rate: name === 'site-loss' ? 1000 : 200,
  })
  if (endedBy === 'drill') verb.option('--for <time>', 'how long the fault lasts', '6s')
  if (hits === 'one process')
    verb.option('--process <name>', 'which one (default: the first of the pid file)')
  if (hits.includes('process') || hits === 'controllers')
    verb.option('--pid <number>', 'this process instead of those of the pid file; may be repeated', parsePid)
  verb
    .addHelpText(
      'after',
      `
${where[hits]}
${mayFail === 'no read' ? 'Reads must not fail: they can be tried elsewhere at once.' : 'Requests may fail until the objective for the recovery time is over (services.NAME.objectives.rto, or 5s).'}
The report goes to the folder \`drills\` in dataDir, as a page and as JSON; the gateway keeps drill.started,
drill.restored or drill.aborted, and drill.finished among its events. Exits with 0 when passed, 1 otherwise.

Example:
  $ budao drill ${name} --site east -c budao.yaml
  $ budao drill ${name} --site east --check
  $ budao drill ${name} --demo`,
    )
    .action((options: DrillVerbOptions) => runScenario(scenario, options))
}

const pidFile =
  'The processes are those of sites.NAME.pidFile in the configuration: lines of\n`PID name`, where the name is an argument of the process. No other is touched.'
const where: Readonly<Record<Scenario['hits'], string>> = {
  'all processes': pidFile,
  'one process': pidFile,
  endpoints:
    'Packets are lost at drills.relays where they are configured, otherwise by rules of this machine’s kernel\n(nft, as root), whose sets forget them by themselves when the time is over.',
  leader: 'The process is the one of drills.controllersPidFile that leads now.',
  links:
    'It happens to the gateway whose configuration this is, which has to say drills.controlLinks: true; it ends there by itself.',
  controllers: 'The processes are those of drills.controllersPidFile.',
  dns: 'The DNS server is that of the configuration’s gslb, in the process of its admin address.',
}

async function runScenario(scenario: Scenario, options: DrillVerbOptions): Promise<void> {
  const plan = planOf(options, scenario)
  const { openPlace } = await import('../../drill/drill-place.ts')
  await using place = await openPlace(options, say)
  if (options.check) {
    const checks = await place.check(plan)
    if (options.json) printJson({ ready: checks.every(({ ready }) => ready), checks })
    else for (const check of checks) printLine(shownCheck(check))
    process.exitCode = checks.every(({ ready }) => ready) ? 0 : 1
    return
  }
  if (!options.yes && !options.demo) await acknowledged(plan.site, scenario)
  const report = await place.run(plan)
  if (options.json) printJson(report)
  else {
    const { formatDrill } = await import('../../drill/print-drill.ts')
    printLine(formatDrill(report, createPaint()))
  }
  process.exitCode = report.passed ? 0 : 1
}

function shownCheck({ name, ready, found, todo, forceable }: ReadinessCheck): string {
  const paint = createPaint()
  const mark = ready ? paint('green', 'ready    ') : paint('red', 'NOT READY')
  const hint = ready ? '' : `\n           to do: ${todo}${forceable ? ', or --force --reason TEXT' : ''}`
  return `${mark}  ${name}: ${found}${hint}`
}

/** Where a person sits at a terminal, the person says that whoever is on call knows. */
async function acknowledged(site: string, { name }: Scenario): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(
      `${name} of ${site}: whoever is on call knows? Type the name of the site: `,
    )
    if (answer.trim() !== site) throw new CliError('not acknowledged: nothing was broken', 2)
  } finally {
    terminal.close()
  }
}
