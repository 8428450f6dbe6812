import type { Command } from 'commander'
import { besideExample } from '../import/providers/kind-names.ts'
import { besideOption, configOption, jsonOption } from '../locate-config.ts'
import { serve, type ServeOptions } from '../serve.ts'

/** `budao up`: all roles in one process. */
export function upVerb(program: Command): void {
  program
    .command('up')
    .description(
      'Run all roles in one process: the gateway, its admin API and the console, DNS, supervised processes.',
    )
    .option(...configOption)
    .option(...besideOption)
    .option(...jsonOption)
    .option('--last-good', 'when the file is refused, start with the snapshot that was in force last')
    .addHelpText(
      'after',
      `
Reads the file again when it changes and on SIGHUP; a file with problems is refused whole and the
old one goes on. SIGTERM and Ctrl-C let requests under way finish (\`drain\` in the file).

Example:
  $ budao up -c budao.yaml
  $ budao up -c budao.yaml -f ${besideExample}`,
    )
    .action((options: ServeOptions) => serve({ ...options, allRoles: true }))
}
