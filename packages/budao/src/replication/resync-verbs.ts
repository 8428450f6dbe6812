import { setTimeout as sleep } from 'node:timers/promises'
import type { ResyncReport } from '@budao/model'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'
import { type ReplicatorAccess, ReplicatorApi, withReplicatorAccess } from './replicator-api.ts'

interface ResyncOptions extends ReplicatorAccess {
  readonly from: string
  readonly json?: true
}

interface BootstrapOptions extends ResyncOptions {
  readonly replace?: true
  readonly discardUnread?: true
}

/** `budao replicator bootstrap` and `restore`: make a site equal to another one. */
export function resyncVerbs(replicator: Command): void {
  withReplicatorAccess(
    replicator
      .command('bootstrap')
      .description('Fill this site from another one, which goes on being written to, and compare both.')
      .requiredOption('--from <site>', 'the site that has the data'),
  )
    .option('--replace', 'this site has rows: replace them')
    .option(
      '--discard-unread',
      'give up what this site wrote, the other has not read, and no log has any more',
    )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Its replicator must run; it does the work, and goes on after a restart. For a new site, one whose disk was replaced, and one that was
away for longer than the log is kept (alarm \`stopped\`). What this site wrote and the other can still read is kept. Exits 0 once both
are equal, 1 when they are not or it failed.

Example:
  $ budao replicator bootstrap --from east -c west.yaml`,
    )
    .action(async ({ from, replace, discardUnread, json, ...access }: BootstrapOptions) => {
      const api = await ReplicatorApi.find(access)
      await api.bootstrap(from, { replace: replace === true, discardUnread: discardUnread === true })
      await follow(api, json)
    })
  withReplicatorAccess(
    replicator
      .command('restore')
      .description(
        'Undo what this site wrote before it was fenced and the new owner has not taken; catch up.',
      )
      .requiredOption('--from <site>', 'the site that took over'),
  )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
What did not make it is printed id by id, and waits among the dead letters of the new owner (\`budao events dlq list --reason
old-epoch\`, asked there). Exits 0 once both sites are equal; only then may this one claim a new epoch.

Example:
  $ budao replicator restore --from west -c east.yaml`,
    )
    .action(async ({ from, json, ...access }: ResyncOptions) => {
      const api = await ReplicatorApi.find(access)
      await api.restore(from)
      await follow(api, json)
    })
}

/** `budao replicator accept-gap`. */
export function acceptGapVerb(replicator: Command): void {
  withReplicatorAccess(
    replicator
      .command('accept-gap')
      .description('Go on although changes of this site were lost before they were read; other sites stop.'),
  )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
For a binlog that was purged, or a server with another history (alarm \`stopped\` of this site itself). Its rows are right, its log
is not: every other site stops when it comes to that place, until it is filled from here.

Example:
  $ budao replicator accept-gap -c east.yaml
  $ budao replicator bootstrap --from east --replace -c west.yaml`,
    )
    .action(async ({ json, ...access }: ReplicatorAccess & { readonly json?: true }) => {
      await (await ReplicatorApi.find(access)).acceptGap()
      if (json === true) printJson({ accepted: true })
      else printLine('goes on; fill each other site from this one: budao replicator bootstrap --from')
    })
}

const pollMs = 200

async function follow(api: ReplicatorApi, json: true | undefined): Promise<void> {
  let said = ''
  for (;;) {
    const report = await api.resync()
    if (report === null) throw new CliError('the replicator was started anew: ask again', 1)
    const line = progressText(report)
    if (json !== true && line !== said) {
      said = line
      if (process.stderr.isTTY) process.stderr.write(`\r${line}\u001b[K`)
      else process.stderr.write(`${line}\n`)
    }
    if (report.endedAt === null) {
      await sleep(pollMs)
      continue
    }
    if (process.stderr.isTTY && json !== true) process.stderr.write('\n')
    if (json === true) printJson(report)
    else printReport(report)
    if (report.phase !== 'verified') process.exitCode = 1
    return
  }
}

function progressText({ phase, rows, rowsTotal, why }: ResyncReport): string {
  const percent =
    rowsTotal === 0 ? '' : ` ${Math.min(100, Math.floor((rows / rowsTotal) * 100))} %, ${rows} rows`
  return `${phase}${phase === 'loading' ? percent : ''}${why === '' ? '' : `: ${why}`}`
}

function printReport({
  kind,
  from,
  phase,
  rows,
  lost,
  undone,
  different,
  undecided,
  why,
}: ResyncReport): void {
  for (const { id, table, key } of lost) printLine(`did not make it: ${id} (${table} ${key})`)
  if (kind === 'restore') printLine(`${lost.length} writes did not make it, ${undone} rows undone`)
  if (phase === 'verified') printLine(`equal to ${from}: ${rows} rows compared`)
  else if (phase === 'diverged')
    printLine(
      `${different} rows differ from ${from}, ${undecided} went on changing: budao replicator bootstrap --from ${from}`,
    )
  else printLine(`failed: ${why}`)
}
