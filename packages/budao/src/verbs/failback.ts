import type { Command } from 'commander'
import { move, withMoveOptions, type MoveOptions } from './move.ts'

/** `budao failback`: a planned move to the site that is preferred. */
export function failbackVerb(program: Command): void {
  withMoveOptions(
    program
      .command('failback')
      .description('Move the right to write back to the site that is preferred, planned as a switchover.')
      .argument('<service>', 'a service, or service/home with multi-active'),
  )
    .addHelpText(
      'after',
      `
budao status --why <service> says how far the site is on its way back. Exits as switchover does.

Example:
  $ budao failback shop --reason "power is back, comparison clean"`,
    )
    .action((service: string, options: MoveOptions) => move('failback', service, options))
}
