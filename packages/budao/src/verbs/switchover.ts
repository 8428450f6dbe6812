import type { Command } from 'commander'
import { move, withMoveOptions, type MoveOptions } from './move.ts'

/** `budao switchover`: a planned move that loses nothing. */
export function switchoverVerb(program: Command): void {
  withMoveOptions(
    program
      .command('switchover')
      .description(
        'Move the right to write to another site, planned: nothing acknowledged is lost, or nothing happens.',
      )
      .argument('<service>', 'a service, or service/home with multi-active'),
  )
    .addHelpText(
      'after',
      `
The old site finishes what is under way and stops; the new one takes over once it has everything. If it does not catch up,
the old site goes on. Exits 0 when the service is at the new site, 1 when refused, taken back, not done in time or not
answered, 2 on wrong usage.

Example:
  $ budao switchover shop --to west --reason "new kernel at east"`,
    )
    .action((service: string, options: MoveOptions) => move('switchover', service, options))
}
