import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessReport } from '@budao/model'
import type { Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { isAsWanted, processTable } from '../agent/process-table.ts'
import { CliError } from '../cli-error.ts'
import type { AdminApi } from '../drill/admin-api.ts'
import { agentEngine } from '../lean-engine.ts'
import { configOption, jsonOption } from '../locate-config.ts'
import { createPaint, printJson, printLine } from '../output.ts'
import { signalled } from '../serve.ts'

interface RunOptions {
  readonly config?: string
  readonly json?: true
}

interface StatusOptions extends AdminAccessOptions {
  readonly json?: true
}

interface ChangeOptions extends StatusOptions {
  readonly reason?: string
  readonly wait?: true
}

type Action = 'start' | 'stop' | 'restart'

const waitMsMax = 60_000
const askEveryMs = 100

/** `budao agent`: keeps processes running, collects logs, and what one asks and tells it. */
export function agentVerb(program: Command): void {
  const agent = program
    .command('agent')
    .description('Start the processes of the configuration and keep them running; collect logs.')
    .option(...configOption)
    .option(...jsonOption)
    // Options after `status` are those of `status`.
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `
Looks after \`processes\` and collects \`logs\` without a gateway; \`budao up\` does so beside one. Ends them on SIGTERM
and Ctrl-C; killed itself, it finds them running when it comes back. Reads the file again when it
changes and on SIGHUP.

Example:
  $ budao agent -c agent.yaml
  $ budao agent status
  $ budao agent restart shop --reason "new certificate" --wait`,
    )
    .action(run)
  withAdminAccess(agent.command('status').description('Show what each process does, and why.'))
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when every process is as it is to be, 1 when one is not or nothing answers, 2 on wrong usage.

Example:
  $ budao agent status --json | jq '.processes[] | select(.state == "crash-loop")'`,
    )
    .action(status)
  changeVerb(agent, 'start', 'Start a process: a standby, one that was stopped or is in a crash loop.')
  changeVerb(agent, 'stop', 'Stop a process; it stays so over restarts of the agent, until it is started.')
  changeVerb(agent, 'restart', 'Stop a process and start it again; also out of a crash loop.')
}

function changeVerb(agent: Command, action: Action, description: string): void {
  withAdminAccess(agent.command(action).description(description).argument('<name>', 'of a process'))
    .option('--reason <text>', 'why, for the events')
    .option('--wait', 'until it is so, at most a minute')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when it is told, with --wait when it is done; 1 when not, 2 on wrong usage.

Example:
  $ budao agent ${action} shop --wait`,
    )
    .action((name: string, options: ChangeOptions) => change(name, action, options))
}

async function run(options: RunOptions): Promise<void> {
  const ending = signalled()
  let reload = (): void => {}
  process.on('SIGHUP', () => reload())
  agentEngine()
  const { NodeProcess } = await import('../node-process.ts')
  const agent = await NodeProcess.start('agent', options)
  reload = () => void agent.reload()
  const processes = agent.agent()?.processes() ?? []
  if (options.json === true) printJson({ admin: agent.adminUrl, processes, pid: process.pid })
  else {
    printLine(`admin  ${agent.adminUrl}`)
    if (processes.length > 0) printLine(`looks after ${processes.map(({ name }) => name).join(', ')}`)
    if (agent.logs() !== null) printLine('collects logs')
  }
  await ending
  await agent.stop()
}

async function status({ json, ...access }: StatusOptions): Promise<void> {
  const api = await adminApi(access, 'viewer')
  const processes = await processesOf(api)
  if (json === true) printJson({ processes })
  else printLine(processTable(processes, createPaint()))
  if (!processes.every(isAsWanted)) process.exitCode = 1
}

async function change(
  name: string,
  action: Action,
  { reason, wait, json, ...access }: ChangeOptions,
): Promise<void> {
  const api = await adminApi(access, 'operator')
  const before = wait === true ? (await processesOf(api)).find((each) => each.name === name) : undefined
  const told = { action, ...(reason === undefined ? {} : { reason }) }
  const path = `/api/v1/processes/${encodeURIComponent(name)}`
  let report = (await api.change<{ process: ProcessReport }>(path, told)).process
  const until = performance.now() + waitMsMax
  // A restart is done when another process is ready than the one that was there before.
  const isDone = (seen: ProcessReport): boolean =>
    before === undefined || (isAsWanted(seen) && (action !== 'restart' || seen.pid !== before.pid))
  while (!isDone(report)) {
    if (report.state === 'crash-loop' || performance.now() > until)
      throw new CliError(`${name} is ${report.state}: ${report.why}`)
    await sleep(askEveryMs)
    report = (await processesOf(api)).find((each) => each.name === name) ?? report
  }
  if (json === true) printJson(report)
  else printLine(`${name}: ${report.state}${report.pid === null ? '' : `, pid ${report.pid}`}`)
}

async function processesOf(api: AdminApi): Promise<readonly ProcessReport[]> {
  return (await api.read<{ processes: readonly ProcessReport[] }>('/api/v1/processes')).processes
}
