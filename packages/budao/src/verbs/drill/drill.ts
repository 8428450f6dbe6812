import type { Command } from 'commander'
import { badReleaseVerb } from './bad-release.ts'
import { gameDayVerb } from './game-day.ts'
import { historyVerbs } from './history.ts'
import { relaysVerb } from './relays.ts'
import { restoreVerb } from './restore.ts'
import { scenarioVerb } from './scenario.ts'
import { scenarios } from '../../drill/scenarios.ts'

/** `budao drill`: fails on purpose what Budao must survive, under load, takes it back, and measures it. */
export function drillVerb(program: Command): void {
  const drill = program
    .command('drill')
    .description('Fail something on purpose, under load, take it back, and report what users saw.')
    .addHelpText(
      'after',
      `
Every scenario looks first whether everything is ready, and refuses where it is not (--check looks only).
Whatever happens to the drill, what it broke is taken back: on Ctrl-C, on too many failures, and by a guard of
its own when the drill is killed.

Example:
  $ budao drill site-loss --site east -c budao.yaml
  $ budao drill game-day --demo
  $ budao drill list -c budao.yaml`,
    )
  for (const scenario of Object.values(scenarios)) scenarioVerb(drill, scenario)
  badReleaseVerb(drill)
  gameDayVerb(drill)
  historyVerbs(drill)
  restoreVerb(drill)
  relaysVerb(drill)
}
