import { setTimeout as sleep } from 'node:timers/promises'
import {
  formatDuration,
  parseDuration,
  type BudaoEvent,
  type DrillsReport,
  type GatewayReport,
  type ReplicationStatus,
} from '@budao/model'
import { type Command, InvalidArgumentError } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { AdminRefusal, type AdminApi } from '../drill/admin-api.ts'
import { CliError } from '../cli-error.ts'
import { formatDrills } from '../drill/drills-text.ts'
import { FailoverApi, isFailoverOff } from '../failover/failover-api.ts'
import {
  failoverIsHealthy,
  formatFailover,
  unitless,
  type FailoverStatus,
} from '../failover/failover-text.ts'
import { unitNamed } from '../failover/unit-name.ts'
import { formatWatched, formatWhy } from '../failover/why-text.ts'
import { dataIsHealthy, formatDataWhy, formatReplication } from '../replication/replication-text.ts'
import { jsonOption } from '../locate-config.ts'
import { createPaint, printJson, printLine } from '../output.ts'
import { LiveScreen } from '../live-screen.ts'
import { eventLine, formatStatus, isHealthy, STATUS_WIDTH } from '../status-text.ts'

interface StatusOptions extends AdminAccessOptions {
  /** Milliseconds, or true for the default. */
  readonly watch?: number | true
  /** A unit, or true for all. */
  readonly why?: string | true
  readonly json?: true
}

interface Status {
  readonly healthy: boolean
  /** Null on a controller without a gateway. */
  readonly report: GatewayReport | null
  readonly events: readonly BudaoEvent[]
  /** Null where the process decides nothing about failover. */
  readonly failover: FailoverStatus | null
  /** Null where the process is no gateway, or of an earlier version. */
  readonly drills: DrillsReport | null
  /** Null where no replicator of the site is named. */
  readonly replication: ReplicationStatus | null
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
    .option('--why [service]', 'why each service, or this one, is at its site: votes, data, the last move')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when every site and service is up, 1 when something is degraded or down, or nothing
answers, 2 on wrong usage. With --watch, by what was seen last. On a controller a service that no well site
holds, that is on its way, and a node or store that does not answer count as well; so do alarms of the site’s replicator.

Example:
  $ budao status || page-somebody
  $ budao status --url http://10.0.0.5:9900 --token "$TOKEN" --watch
  $ budao status --why shop
  $ budao status --watch 5s --json | jq .healthy`,
    )
    .action(status)
}

async function status(options: StatusOptions): Promise<void> {
  const api = await adminApi(options, 'viewer')
  if (options.why !== undefined && options.watch !== undefined)
    throw new CliError('--why and --watch: give one of them', 2)
  if (options.why !== undefined) return why(api, options.why, options.json === true)
  if (options.watch !== undefined)
    return watch(api, options, options.watch === true ? watchEveryMs : options.watch)
  const seen = await ask(api)
  if (options.json === true) printJson(seen)
  else printLine(textOf(seen))
  process.exitCode = seen.healthy ? 0 : 1
}

/** Exits by whether the units that are shown are as they should be. */
async function why(admin: AdminApi, name: string | true, json: boolean): Promise<void> {
  const api = new FailoverApi(admin)
  const [overview, nodes, data] = await Promise.all([api.overview(), api.nodes(), admin.replication()])
  const watched = unitless(overview).filter(({ service }) => name === true || service === name)
  const units = name === true ? overview.units : watched.length > 0 ? [] : [unitNamed(overview.units, name)]
  const healthy = failoverIsHealthy({ ...overview, units, nodes }) && dataIsHealthy(data)
  if (json) printJson({ healthy, leader: overview.leader, units, watched, replication: data })
  else if (units.length + watched.length === 0) printLine('No service has a failover or detection section.')
  else {
    const width = Math.min(STATUS_WIDTH, process.stdout.columns ?? STATUS_WIDTH)
    const paint = createPaint()
    const texts = [
      ...units.map((unit) => formatWhy(unit, overview.leader, paint, width)),
      ...watched.map((each) => formatWatched(each, paint, width)),
      formatDataWhy(data, paint, width),
    ].filter((text) => text !== '')
    printLine(texts.join('\n\n\n'))
  }
  process.exitCode = healthy ? 0 : 1
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
  const width = Math.min(STATUS_WIDTH, process.stdout.columns ?? STATUS_WIDTH)
  const { report, events, failover, drills, replication } = seen
  const moves = failover === null ? '' : formatFailover(failover, paint, width)
  const data = formatReplication(replication, paint, width)
  const blocks = [moves, data, formatDrills(drills, paint, width)]
  const about = blocks.filter((block) => block !== '').join('\n\n')
  if (report !== null) return formatStatus(report, events, paint, width, about)
  const lately = events.map((event) => eventLine(event, paint, width)).join('\n')
  return [about, lately].filter((block) => block !== '').join('\n\n')
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
  const [failover, lastSeq, drills, replication] = await Promise.all([
    failoverOf(api),
    api.lastSeq(),
    api.drills(),
    api.replication(),
  ])
  const report = await gatewayOf(api, failover !== null)
  const events = await api.eventsAfter(Math.max(0, lastSeq - eventsShown))
  const moves = failover === null || failoverIsHealthy(failover)
  const healthy = (report === null || isHealthy(report)) && moves && dataIsHealthy(replication)
  return { healthy, report, events: events.slice(-eventsShown), failover, drills, replication }
}

/** A controller of its own has no gateway to speak of. */
async function gatewayOf(api: AdminApi, decides: boolean): Promise<GatewayReport | null> {
  try {
    return await api.status()
  } catch (error) {
    if (decides && error instanceof AdminRefusal && error.status === 404) return null
    throw error
  }
}

/** A gateway that is no controller, or of an earlier version, says nothing about it. */
async function failoverOf(api: AdminApi): Promise<FailoverStatus | null> {
  const asked = new FailoverApi(api)
  try {
    const [overview, nodes] = await Promise.all([asked.overview(), asked.nodes()])
    return { ...overview, nodes }
  } catch (error) {
    if (isFailoverOff(error)) return null
    throw error
  }
}

function parseInterval(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < shortestMs)
    throw new InvalidArgumentError('Expected a duration of at least 100ms, such as 2s.')
  return ms
}
