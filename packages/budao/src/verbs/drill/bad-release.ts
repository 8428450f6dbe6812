import { InvalidArgumentError, type Command } from 'commander'
import type { ReleaseFaultKind } from '@budao/controller'
import { CliError } from '../../cli-error.ts'
import { whoAsks } from '../../failover/unit-name.ts'
import { configOption } from '../../locate-config.ts'
import { createPaint, printJson, printLine } from '../../output.ts'
import type { ReleaseCheck } from '../../drill/release/release-readiness.ts'
import type { ReleaseDrillReport } from '../../drill/release/release-report.ts'
import {
  checkCommon,
  type CommonDrillOptions,
  parseOrigin,
  parsePath,
  parseRate,
  timeOf,
  withCommonOptions,
} from './options.ts'
import { say } from './scenario.ts'

interface BadReleaseVerbOptions extends CommonDrillOptions {
  readonly rollout?: string
  readonly kind: ReleaseFaultKind
  readonly path?: string
  readonly within: string
}

/** By name, so that a kind that is new is not forgotten here. */
const known: Readonly<Record<ReleaseFaultKind, true>> = {
  errors: true,
  slow: true,
  crashing: true,
  subtle: true,
}
const kinds = Object.keys(known) as ReleaseFaultKind[]

/** `budao drill bad-release`: a release is rolled out that gateways make a bad one, and must go back. */
export function badReleaseVerb(drill: Command): void {
  const verb = drill
    .command('bad-release')
    .description('Roll out a release that gateways make a bad one, and see it go back.')
    .option('--rollout <name>', 'a key of `rollouts` (default: the only one)')
    .option('--kind <kind>', `what is wrong with it: ${kinds.join(', ')}`, parseKind, 'errors')
    .option(...configOption)
    .option('--via <url>', 'origin of the gateway (default: its first listener)', parseOrigin)
    .option('--path <path>', 'what users ask for, with GET (default: of the route)', parsePath)
    .option('--rate <n>', 'requests of users a second', parseRate, 200)
    .option('--within <time>', 'how soon it must be sent back', '60s')
  withCommonOptions(verb, 'overrule what may be overruled')
    .addHelpText(
      'after',
      `
The release itself should be a good one: gateways fail or hold up its requests before they are sent to it. Real users take part, as in
every step of a rollout; what fails there is tried again at stable. Afterwards the rollout is \`aborted\`: \`budao rollout retry\` begins it.

Example:
  $ budao drill bad-release --rollout shop-v2 --kind subtle -c budao.yaml
  $ budao drill bad-release --demo`,
    )
    .action(run)
}

async function run(options: BadReleaseVerbOptions): Promise<void> {
  checkCommon(options)
  const limitMs = timeOf('--within', options.within)
  const { openPlace } = await import('../../drill/drill-place.ts')
  await using place = await openPlace(options, say)
  const path = options.path ?? (options.demo ? '/api/products?page=1' : undefined)
  const drill = place.release({
    kind: options.kind,
    rate: options.rate,
    limitMs,
    by: options.by ?? whoAsks(),
    ...(options.rollout === undefined ? {} : { rollout: options.rollout }),
    ...(options.via === undefined ? {} : { via: options.via }),
    ...(path === undefined ? {} : { path }),
    ...(options.force ? { forceReason: options.reason! } : {}),
  })
  const checks = await drill.check()
  const bad = checks.filter(({ ready, forceable }) => !ready && !(forceable && options.force))
  if (options.check) {
    if (options.json) printJson({ ready: checks.every(({ ready }) => ready), checks })
    else for (const check of checks) printLine(shown(check))
    process.exitCode = checks.every(({ ready }) => ready) ? 0 : 1
    return
  }
  if (bad.length > 0)
    throw new CliError(
      ['not ready, nothing was broken:', ...bad.map(({ found, todo }) => `  ${found}; to do: ${todo}`)].join(
        '\n',
      ),
    )
  if (!options.yes && !options.demo) await acknowledged(drill.rollout)
  const report = await drill.run()
  if (options.json) printJson(report)
  else await print(report)
  process.exitCode = report.passed ? 0 : 1
}

async function print(report: ReleaseDrillReport): Promise<void> {
  const { invariantWords, releaseFigures } = await import('../../drill/release/release-page.ts')
  const paint = createPaint()
  printLine(`${paint(report.passed ? 'green' : 'red', report.verdict)}  ${report.decision?.why ?? ''}`)
  for (const { name, holds } of report.invariants)
    printLine(`  ${holds ? paint('green', 'holds') : paint('red', 'NOT  ')}  ${invariantWords[name][0]}`)
  for (const [english, , value] of releaseFigures(report)) printLine(`  ${english}: ${value}`)
}

function shown({ name, ready, found, todo, forceable }: ReleaseCheck): string {
  const hint = ready ? '' : `\n           to do: ${todo}${forceable ? ', or --force --reason TEXT' : ''}`
  return `${ready ? 'ready    ' : 'NOT READY'}  ${name}: ${found}${hint}`
}

async function acknowledged(rollout: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return
  const { createInterface } = await import('node:readline/promises')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(
      `a bad release by ${rollout}, with users: whoever is on call knows? Type the name of the rollout: `,
    )
    if (answer.trim() !== rollout) throw new CliError('not acknowledged: nothing was broken', 2)
  } finally {
    terminal.close()
  }
}

function parseKind(text: string): ReleaseFaultKind {
  const kind = kinds.find((each) => each === text)
  if (kind === undefined) throw new InvalidArgumentError(`Expected one of ${kinds.join(', ')}.`)
  return kind
}
