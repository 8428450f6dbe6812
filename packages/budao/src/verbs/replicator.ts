import { dirname } from 'node:path'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { configOption, jsonOption, readConfigFile } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'
import { signalled } from '../serve.ts'

interface ReplicatorOptions {
  readonly config?: string
  readonly json?: true
}

/** `budao replicator`: carries this site's changes to the others, and theirs here. */
export function replicatorVerb(program: Command): void {
  program
    .command('replicator')
    .description('Carry this site’s changes to the other sites, and theirs into this site’s database.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Needs \`replication\` in the file; one process a site. Alarms are JSON lines on standard error. SIGTERM ends it
between two batches; a kill at any moment loses and repeats nothing.

Example:
  $ budao replicator -c east.yaml`,
    )
    .action(run)
}

async function run({ config, json }: ReplicatorOptions): Promise<void> {
  // Heard from the first moment, also while logs are opened.
  const ending = signalled()
  const file = await readConfigFile(config)
  const { parseConfig, formatProblem } = await import('@budao/model/parser')
  const parsed = parseConfig(file.text, file.name)
  if (!parsed.ok) throw new CliError(parsed.problems.map(formatProblem).join('\n'), 2)
  if (parsed.config.replication === undefined) {
    throw new CliError(`${file.name}: expected \`replication\`, found none: nothing is to be carried`, 2)
  }
  const { startReplicator } = await import('@budao/replicator')
  const running = await startReplicator({
    config: parsed.config,
    baseDir: dirname(file.path),
    onAlarm: ({ code, subject, message }, isOn) => {
      const at = new Date().toISOString()
      process.stderr.write(`${JSON.stringify({ at, alarm: code, subject, on: isOn, message })}\n`)
    },
  })
  const { address, site } = running
  if (json === true) printJson({ site, replicator: `http://${address}`, pid: process.pid })
  else {
    printLine(`replicator  http://${address}`)
    printLine(
      `site ${site} replicates with ${Object.keys(parsed.config.replication.sites).length - 1} other site(s)`,
    )
  }
  await ending
  await running.close()
}
