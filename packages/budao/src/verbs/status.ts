import { setTimeout as sleep } from 'node:timers/promises'
import type { BudaoEvent, GatewayReport } from '@budao/model'
import { type Command, InvalidArgumentError } from 'commander'
import type { AdminApi } from '../drill/admin-api.ts'
import { CliError } from '../cli-error.ts'
import { configOption, jsonOption, readConfigFile } from '../locate-config.ts'
import { createPaint, printJson, printLine } from '../output.ts'
import { formatStatus, isHealthy } from '../status-text.ts'

interface StatusOptions {
  readonly url?: string
  readonly config?: string
  readonly token?: string
  readonly watch?: true
  readonly json?: true
}

interface Status {
  readonly healthy: boolean
  readonly report: GatewayReport
  readonly events: readonly BudaoEvent[]
}

const defaultUrl = 'http://127.0.0.1:9900'
const eventsShown = 5
const watchEveryMs = 1_000

/** `budao status`: what a running gateway says of itself. Exits by health. */
export function statusVerb(program: Command): void {
  program
    .command('status')
    .description('Show sites, services, endpoints, breakers and the last events of a running gateway.')
    .option(
      '--url <url>',
      `origin of the admin API (default: that of the configuration, or ${defaultUrl})`,
      parseOrigin,
    )
    .option(...configOption)
    .option('--token <token>', 'of the admin API (default: $BUDAO_TOKEN, or the configuration’s)')
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
  const api = await adminApi(options)
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

async function adminApi({ url, config, token }: StatusOptions): Promise<AdminApi> {
  if (url !== undefined && config !== undefined) throw new CliError('--url and --config: give one of them', 2)
  const { AdminApi } = await import('../drill/admin-api.ts')
  const secret = token ?? process.env['BUDAO_TOKEN']
  if (url !== undefined) return new AdminApi(url, secret)
  const file = await readConfigFile(config).catch((error: unknown) => {
    // Nobody named a file: then the address that `budao up` has by default is meant.
    if (config === undefined && error instanceof CliError) return undefined
    throw error
  })
  if (file === undefined) return new AdminApi(defaultUrl, secret)

  const { parseConfig, formatProblem } = await import('@budao/model/parser')
  const parsed = parseConfig(file.text, file.name)
  if (!parsed.ok) {
    throw new CliError(
      `${file.name} has problems; --url asks a gateway without it\n${parsed.problems.map(formatProblem).join('\n')}`,
      2,
    )
  }
  const { reachable } = await import('../drill/drill-plan.ts')
  const { address, tokens } = parsed.config.admin
  return new AdminApi(`http://${reachable(address)}`, secret ?? tokens?.viewer ?? tokens?.operator)
}

function parseOrigin(text: string): string {
  if (URL.canParse(text)) {
    const { protocol, origin } = new URL(text)
    if (protocol === 'http:' || protocol === 'https:') return origin
  }
  throw new InvalidArgumentError(`Expected a URL such as ${defaultUrl}.`)
}
