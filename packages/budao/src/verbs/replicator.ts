import { dirname } from 'node:path'
import type { Command } from 'commander'
import type { Config, ReplicationConfig } from '@budao/model'
import type { VerifyProgress } from '@budao/replicator'
import { CliError } from '../cli-error.ts'
import { readLogAccess } from '../control/providers/broker-access.ts'
import { replicatorEngine } from '../lean-engine.ts'
import { configOption, jsonOption, readConfigFile } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'
import { acceptGapVerb, resyncVerbs } from '../replication/resync-verbs.ts'
import { verifiedText, verifyProgressText } from '../replication/verify-text.ts'
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
  replicator
    .command('verify')
    .description(
      'Compare the databases of two sites row by row while both are written to; repair what differs.',
    )
    .argument('<one>', 'the configuration of one site')
    .argument('<other>', 'of the other')
    .option(
      '--repair',
      'make rows equal that differ, as the rule of their table says; without it nothing is changed, and what would be is shown',
    )
    .option('--settle <ms>', 'a row differs when it has stood still for so long', '5000')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
A row that is still on its way is not reported. Exits 1 when rows differ, or went on changing so that nothing can be said. A database server
is asked directly; SQLite sites are compared through their replicators, which have to run.

Example:
  $ budao replicator verify east.yaml west.yaml
  $ budao replicator verify east.yaml west.yaml --repair`,
    )
    .action(verify)
  resyncVerbs(replicator)
  acceptGapVerb(replicator)
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

interface VerifyOptions {
  readonly repair?: true
  readonly settle: string
  readonly json?: true
}

async function verify(one: string, other: string, { repair, settle, json }: VerifyOptions): Promise<void> {
  const settleMs = Number(settle)
  if (!Number.isInteger(settleMs) || settleMs < 100 || settleMs > 600_000) {
    throw new CliError(`--settle: expected milliseconds from 100 to 600000, got ${settle}`, 2)
  }
  const sites: Record<string, { readonly replication: ReplicationConfig; readonly baseDir: string }> = {}
  for (const file of [one, other]) {
    const { config, baseDir } = await readReplication(file)
    sites[config.node.site] = { replication: config.replication, baseDir }
  }
  const { verifyDatabases } = await import('@budao/replicator')
  const isShown = process.stderr.isTTY && json !== true
  const onProgress = (progress: VerifyProgress): void => {
    if (isShown) process.stderr.write(`\r${verifyProgressText(progress)}\u001b[K`)
  }
  const tables = await verifyDatabases(sites, { repair: repair === true, settleMs, onProgress })
  if (isShown) process.stderr.write('\n')
  if (json === true) printJson({ tables })
  else printLine(verifiedText(tables, repair === true))
  const isEqual = tables.every(
    ({ differentCount, undecided, repaired }) => differentCount === repaired.length && undecided.length === 0,
  )
  if (!isEqual) process.exitCode = 1
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
  replicatorEngine()
  // Heard from the first moment, also while logs are opened.
  const ending = signalled()
  const { config, baseDir } = await readReplication(path)
  const { startReplicator } = await import('@budao/replicator')
  const running = await startReplicator({
    config,
    baseDir,
    brokerAccess: await readLogAccess(config.replication, baseDir),
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
