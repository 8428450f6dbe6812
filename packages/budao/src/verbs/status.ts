import { setTimeout as sleep } from 'node:timers/promises'
import type { BudaoEvent, GatewayReport } from '@budao/model'
import type { Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import type { AdminApi } from '../drill/admin-api.ts'
import { CliError } from '../cli-error.ts'
import { jsonOption } from '../locate-config.ts'
import { createPaint, printJson, printLine } from '../output.ts'
import { formatStatus, isHealthy } from '../status-text.ts'

interface StatusOptions extends AdminAccessOptions {
  readonly watch?: true
  readonly json?: true
}

interface Status {
  readonly healthy: boolean
  readonly report: GatewayReport
  readonly events: readonly BudaoEvent[]
}

const eventsShown = 5
const watchEveryMs = 1_000

/** `budao status`: what a running gateway says of itself. Exits by health. */
export function statusVerb(program: Command): void {
  withAdminAccess(
    program
      .command('status')
      .description('Show sites, services, endpoints, breakers and the last events of a running gateway.'),
  )
    .option('--watch', 'show it again every second until Ctrl-C')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when every site and service is up, 1 when something is degraded or down, or nothing
answers, 2 on wrong usage. With --watch, by what was seen last.

Example:
  $ budao status || page-somebody
  $ budao status --url http://10.0.0.5:9900 --token "$TOKEN" --watch`,
    )
    .action(status)
}

async function status(options: StatusOptions): Promise<void> {
  const api = await adminApi(options, 'viewer')
  if (options.watch === true) return watch(api, options)
  const seen = await ask(api)
  if (options.json === true) printJson(seen)
  else printLine(formatStatus(seen.report, seen.events, createPaint()))
  process.exitCode = seen.healthy ? 0 : 1
}

async function watch(api: AdminApi, options: StatusOptions): Promise<void> {
  const ending = new AbortController()
  const end = (): void => ending.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  const paint = createPaint()
  while (!ending.signal.aborted) {
    const seen = await ask(api).catch(unanswered)
    process.exitCode = seen.healthy ? 0 : 1
    // One line each, so that a program can read while it goes on.
    if (options.json === true) printLine(JSON.stringify(seen))
    else show('error' in seen ? paint('red', seen.error) : formatStatus(seen.report, seen.events, paint))
    await sleep(watchEveryMs, undefined, { signal: ending.signal }).catch(() => {})
  }
}

function show(text: string): void {
  // On a terminal the screen is cleared; elsewhere a blank line parts one state from the next.
  printLine(process.stdout.isTTY ? `\u001b[2J\u001b[H${text}` : `${text}\n`)
}

function unanswered(error: unknown): { healthy: false; error: string } {
  if (!(error instanceof CliError)) throw error
  return { healthy: false, error: error.message }
}

async function ask(api: AdminApi): Promise<Status> {
  const [report, lastSeq] = await Promise.all([api.status(), api.lastSeq()])
  const events = await api.eventsAfter(Math.max(0, lastSeq - eventsShown))
  return { healthy: isHealthy(report), report, events: events.slice(-eventsShown) }
}
