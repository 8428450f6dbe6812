import type { Command } from 'commander'
import { configOption, jsonOption } from '../../locate-config.ts'
import { printJson, printLine } from '../../output.ts'

interface RestoreOptions {
  readonly config?: string
  readonly out?: string
  readonly token?: string
  readonly json?: true
}

/** `budao drill restore`: takes back what a drill broke that could not do it itself. */
export function restoreVerb(drill: Command): void {
  drill
    .command('restore')
    .description('Take back what a drill broke that was broken off: by its journal in dataDir.')
    .option(...configOption)
    .option('--out <folder>', 'the folder that the drill had with --out')
    .option('--token <token>', 'of the admin API (default: $BUDAO_TOKEN, or the configuration’s)')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
A drill that is killed is taken back by its guard at once: this is for what is left when both were killed. A drill that
still runs is left alone. Exits with 0 when everything is back, 1 when not.

Example:
  $ budao drill restore -c budao.yaml`,
    )
    .action(restore)
}

async function restore(options: RestoreOptions): Promise<void> {
  const { openPlace } = await import('../../drill/drill-place.ts')
  await using place = await openPlace(options, (line) => printLine(line, process.stderr))
  const entry = await place.restore()
  if (options.json) printJson({ restored: entry === undefined ? null : entry.id })
  else printLine(entry === undefined ? 'Nothing is left to take back.' : `${entry.id}: taken back.`)
}
