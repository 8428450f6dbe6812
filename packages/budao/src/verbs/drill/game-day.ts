import { type Command, InvalidArgumentError } from 'commander'
import { drillScenarios, type DrillScenario } from '@budao/model'
import { CliError } from '../../cli-error.ts'
import type { DrillReport } from '../../drill/drill-report.ts'
import { scenarios } from '../../drill/scenarios.ts'
import { createPaint, formatTable, printJson, printLine } from '../../output.ts'
import { planOf, withDrillOptions } from './options.ts'
import type { DrillVerbOptions } from './options.ts'
import { say } from './scenario.ts'

interface GameDayOptions extends DrillVerbOptions {
  readonly only?: readonly DrillScenario[]
}

/** `budao drill game-day`: one scenario after the other. */
export function gameDayVerb(drill: Command): void {
  withDrillOptions(
    drill
      .command('game-day')
      .description('One scenario after the other, as far as this installation is ready for them.'),
    { rate: 200 },
  )
    .option('--for <time>', 'how long a fault lasts where the drill ends it', '6s')
    .option('--only <scenario>', 'this one; may be repeated (default: all)', parseScenario)
    .addHelpText(
      'after',
      `
What it is not ready for is left out and said. Each drill has a report of its own; they go on until one
was not passed. Exits with 0 when all that ran were passed, 1 otherwise.

Example:
  $ budao drill game-day --demo
  $ budao drill game-day --site east --only hang --only black-hole -c budao.yaml`,
    )
    .action(gameDay)
}

async function gameDay(options: GameDayOptions): Promise<void> {
  const plans = (options.only ?? drillScenarios).map((name) => planOf(options, scenarios[name]))
  const { openPlace } = await import('../../drill/drill-place.ts')
  await using place = await openPlace(options, say)
  const reports: DrillReport[] = []
  const left: { scenario: DrillScenario; because: string }[] = []
  for (const plan of plans) {
    const bad = (await place.check(plan)).filter(
      ({ ready, forceable }) => !ready && !(forceable && plan.forceReason !== undefined),
    )
    if (bad.length > 0) {
      const because = bad.map(({ found }) => found).join('; ')
      left.push({ scenario: plan.scenario.name, because })
      say(`${plan.scenario.name} is left out: ${because}`)
      continue
    }
    const report = await place.run(plan)
    reports.push(report)
    if (!report.passed) break
  }
  if (reports.length === 0)
    throw new CliError('this installation is ready for none of them: nothing was broken')
  if (options.json) printJson({ reports, left })
  else printLine(summary(reports))
  process.exitCode = reports.every(({ passed }) => passed) ? 0 : 1
}

function summary(reports: readonly DrillReport[]): string {
  const paint = createPaint()
  return formatTable(
    [
      { title: 'SCENARIO' },
      { title: 'VERDICT' },
      { title: 'READS FAILED', align: 'right' },
      { title: 'WRITES FAILED', align: 'right' },
      { title: 'LOST', align: 'right' },
      { title: 'RTO', align: 'right' },
      { title: 'OUT AFTER', align: 'right' },
    ],
    reports.map((report) => [
      report.scenario,
      paint(report.passed ? 'green' : 'red', report.verdict),
      String(report.requests.failed),
      String(report.writes?.requests.failed ?? '–'),
      String(report.writes?.lost ?? '–'),
      ms(Math.max(report.outage?.rtoMs ?? 0, report.writes?.outage?.rtoMs ?? 0)),
      report.detect.firstMs === null ? '–' : ms(report.detect.firstMs),
    ]),
  )
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}

function parseScenario(text: string, before: readonly DrillScenario[] | undefined): readonly DrillScenario[] {
  const found = drillScenarios.find((name) => name === text)
  if (found === undefined) throw new InvalidArgumentError(`Expected one of ${drillScenarios.join(', ')}.`)
  return [...(before ?? []), found]
}
