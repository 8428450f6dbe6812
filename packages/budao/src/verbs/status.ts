import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration, parseDuration, type BudaoEvent, type GatewayReport } from '@budao/model'
import { type Command, InvalidArgumentError } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import type { AdminApi } from '../drill/admin-api.ts'
import { CliError } from '../cli-error.ts'
import { jsonOption } from '../locate-config.ts'
import { createPaint, printJson, printLine } from '../output.ts'
import { LiveScreen } from '../live-screen.ts'
import { formatStatus, isHealthy, STATUS_WIDTH } from '../status-text.ts'

interface StatusOptions extends AdminAccessOptions {
  /** Milliseconds, or true for the default. */
  readonly watch?: number | true
  readonly json?: true
}

interface Status {
  readonly healthy: boolean
  readonly report: GatewayReport
  readonly events: readonly BudaoEvent[]
}

const eventsShown = 5
const watchEveryMs = 1_000
const shortestMs = 100

/** `budao status`: what a running gateway says of itself. Exits by health. */
export function statusVerb(program: Command): void {
  withAdminAccess(
    program
      .command('status')
      .description('Show sites, services, endpoints, breakers and the last events of a running gateway.'),
  )
    .option(
      '--watch [interval]',
      'show it again every second, or as often as said, until Ctrl-C',
      parseInterval,
    )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when every site and service is up, 1 when something is degraded or down, or nothing
answers, 2 on wrong usage. With --watch, by what was seen last.

Example:
  $ budao status || page-somebody
  $ budao status --url http://10.0.0.5:9900 --token "$TOKEN" --watch
  $ budao status --watch 5s --json | jq .healthy`,
    )
    .action(status)
}

async function status(options: StatusOptions): Promise<void> {
  const api = await adminApi(options, 'viewer')
  if (options.watch !== undefined)
    return watch(api, options, options.watch === true ? watchEveryMs : options.watch)
  const seen = await ask(api)
  if (options.json === true) printJson(seen)
  else printLine(formatStatus(seen.report, seen.events, createPaint()))
  process.exitCode = seen.healthy ? 0 : 1
}

async function watch(api: AdminApi, options: StatusOptions, everyMs: number): Promise<void> {
  const ending = new AbortController()
  const end = (): void => ending.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  const screen = process.stdout.isTTY && options.json !== true ? new LiveScreen(process.stdout) : null
  let text = ''
  while (!ending.signal.aborted) {
    const seen = await ask(api).catch(unanswered)
    process.exitCode = seen.healthy ? 0 : 1
    // One line each, so that a program can read while it goes on.
    if (options.json === true) printLine(JSON.stringify(seen))
    else {
      text = textOf(seen)
      const footer = `every ${formatDuration(everyMs)} · ${new Date().toISOString().slice(11, 19)}Z · Ctrl-C ends`
      if (screen === null) printLine(`${text}\n`)
      else screen.draw(`${text}\n\n${createPaint()('dim', footer)}`)
    }
    await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => {})
  }
  screen?.close()
  // What was seen last stays on the terminal.
  if (screen !== null && text !== '') printLine(text)
}

function textOf(seen: Status | Unanswered): string {
  const paint = createPaint()
  if ('error' in seen) return paint('red', seen.error)
  return formatStatus(
    seen.report,
    seen.events,
    paint,
    Math.min(STATUS_WIDTH, process.stdout.columns ?? STATUS_WIDTH),
  )
}

interface Unanswered {
  readonly healthy: false
  readonly error: string
}

function unanswered(error: unknown): Unanswered {
  if (!(error instanceof CliError)) throw error
  return { healthy: false, error: error.message }
}

async function ask(api: AdminApi): Promise<Status> {
  const [report, lastSeq] = await Promise.all([api.status(), api.lastSeq()])
  const events = await api.eventsAfter(Math.max(0, lastSeq - eventsShown))
  return { healthy: isHealthy(report), report, events: events.slice(-eventsShown) }
}

function parseInterval(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < shortestMs)
    throw new InvalidArgumentError('Expected a duration of at least 100ms, such as 2s.')
  return ms
}
