import type { Command } from 'commander'
import { besideOption, configOption, jsonOption } from '../locate-config.ts'
import { serve, type ServeOptions } from '../serve.ts'

/** `budao gateway`: the data plane alone. */
export function gatewayVerb(program: Command): void {
  program
    .command('gateway')
    .description('Run the gateway alone, with the admin API that reports on it.')
    .option(...configOption)
    .option(...besideOption)
    .option(...jsonOption)
    .option('--last-good', 'when the file is refused, start with the snapshot that was in force last')
    .addHelpText(
      'after',
      `
Serves from its last good snapshot whatever happens to other parts.

Example:
  $ budao gateway -c budao.yaml`,
    )
    .action((options: ServeOptions) => serve(options))
}
