import { dirname } from 'node:path'
import type { Command } from 'commander'
import type { Config, ReplicationConfig } from '@budao/model'
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
  const replicator = program
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
  replicator
    .command('preflight')
    .description(
      'Say what keeps databases from being replicated, or from losing nothing, and the line to change.',
    )
    .argument('<files...>', 'the configuration of one site, or of several that are to be looked at together')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 1 when something would be refused: changes that would be missed or go in circles, and, where a table is \`sync\`, settings
with which an acknowledged write can be lost.

Example:
  $ budao replicator preflight east.yaml west.yaml`,
    )
    .action(preflight)
}

interface ReplicationFile {
  readonly config: Config & { readonly replication: ReplicationConfig }
  readonly baseDir: string
}

async function readReplication(path: string | undefined): Promise<ReplicationFile> {
  const file = await readConfigFile(path)
  const { parseConfig, formatProblem } = await import('@budao/model/parser')
  const parsed = parseConfig(file.text, file.name)
  if (!parsed.ok) throw new CliError(parsed.problems.map(formatProblem).join('\n'), 2)
  const { config } = parsed
  if (config.replication === undefined) {
    throw new CliError(`${file.name}: expected \`replication\`, found none: nothing is to be carried`, 2)
  }
  return { config: { ...config, replication: config.replication }, baseDir: dirname(file.path) }
}

async function preflight(files: readonly string[], { json }: { readonly json?: true }): Promise<void> {
  const sites: Record<string, { readonly replication: ReplicationConfig; readonly baseDir: string }> = {}
  for (const file of files) {
    const { config, baseDir } = await readReplication(file)
    sites[config.node.site] = { replication: config.replication, baseDir }
  }
  const { findingText, preflightDatabases } = await import('@budao/replicator')
  const findings = await preflightDatabases(sites)
  const promised = ({ site }: { readonly site: string }): boolean =>
    Object.values(sites[site]!.replication.tables).some(({ durability }) => durability === 'sync')
  const refused = findings.filter(
    (each) => each.forbids === 'replication' || (each.forbids === 'no-loss' && promised(each)),
  )
  if (json === true) printJson({ ok: refused.length === 0, findings })
  else {
    for (const each of findings) printLine(findingText(each))
    printLine(
      refused.length === 0
        ? 'nothing is refused'
        : `${refused.length} of ${findings.length} would be refused`,
    )
  }
  if (refused.length > 0) process.exitCode = 1
}

async function run({ config: path, json }: ReplicatorOptions): Promise<void> {
  // Heard from the first moment, also while logs are opened.
  const ending = signalled()
  const { config, baseDir } = await readReplication(path)
  const { startReplicator } = await import('@budao/replicator')
  const running = await startReplicator({
    config,
    baseDir,
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
      `site ${site} replicates with ${Object.keys(config.replication.sites).length - 1} other site(s)`,
    )
  }
  await ending
  await running.close()
}
