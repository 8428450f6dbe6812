import { setTimeout as sleep } from 'node:timers/promises'
import { parseDuration, type DrainReport, type DrainTarget } from '@budao/model'
import { type Command, InvalidArgumentError } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { CliError } from '../cli-error.ts'
import { AdminRefusal, type AdminApi, type DrainChange } from '../drill/admin-api.ts'
import { drainUnits, hasUnits, undrainUnits } from '../failover/drain-units.ts'
import { FailoverApi } from '../failover/failover-api.ts'
import { whoAsks } from '../failover/unit-name.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'

interface DrainOptions extends AdminAccessOptions {
  readonly service?: string
  readonly undo?: true
  readonly wait?: true
  readonly timeout: number
  readonly force?: true
  readonly reason?: string
  readonly by?: string
  readonly json?: true
}

const askEveryMs = 250

/** `budao drain`: takes a site or an endpoint out of the traffic, and puts it back. */
export function drainVerb(program: Command): void {
  withAdminAccess(
    program
      .command('drain')
      .description(
        'Take a site or an endpoint out of the traffic: requests under way finish, no new ones come.',
      )
      .argument('<site|endpoint>', 'name of a site, or host:port of an endpoint'),
  )
    .option('--service <name>', 'only in this service (default: in every service that has the endpoint)')
    .option('--undo', 'put it back; with slowStart at a growing share')
    .option('--wait', 'until nothing is under way there any more')
    .option('--timeout <duration>', 'how long to wait at most', parseTimeout, 300_000)
    .option('--force', 'even if a service has no usable endpoint left then; needs --reason')
    .option('--reason <text>', 'why, for the events and the status; needed where services are moved')
    .option('--by <name>', 'who asks, for the audit log of failover (default: you)')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
On a controller every service that the site writes is moved away first, planned, and the site is kept out of failover; it is
refused where one would have no healthy site left. Kept over reloads and restarts until it is undone. Exits 0 when done, 1 when refused (a service would have no
usable endpoint left), not finished in time or not answered, 2 on wrong usage.

Example:
  $ budao drain west --reason "new kernel" --wait
  $ budao drain 10.0.0.5:7001 --service shop
  $ budao drain west --undo`,
    )
    .action(drain)
}

async function drain(name: string, options: DrainOptions): Promise<void> {
  const target = targetOf(name, options)
  check(options)
  const api = await adminApi(options, 'operator')
  const units = 'site' in target ? await moveUnits(api, target.site, options) : null
  const { effect } = await drainHere(api, units !== null, {
    ...target,
    ...(options.undo ? { undo: true } : {}),
    ...(options.force ? { force: true } : {}),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  })
  const report = effect === null ? undefined : await find(api, target)
  const last = options.wait && report !== undefined ? await untilDone(api, target, options) : report
  if (options.json) printJson({ effect, drain: last ?? null, units })
  else if (effect === null)
    printLine(
      `${name}: the gateways ${options.undo ? 'send requests there again' : 'send nothing there any more'}`,
    )
  else if (options.undo)
    printLine(effect === 'removed' ? `${name}: gets requests again` : `${name}: was not drained`)
  else if (!options.wait || last === undefined) printLine(`${name}: ${progress(last)}`)
  if (options.wait && last !== undefined && last.inFlight > 0) {
    throw new CliError(
      `${name}: ${last.inFlight} still under way after ${options.timeout} ms; it stays drained`,
    )
  }
}

/** On a controller of its own no gateway is in the process: those of the sites follow what it keeps in the store. */
async function drainHere(
  api: AdminApi,
  decides: boolean,
  change: DrainChange,
): Promise<{ readonly effect: string | null }> {
  try {
    return await api.drain(change)
  } catch (error) {
    if (decides && error instanceof AdminRefusal && error.body.error === 'not-found') return { effect: null }
    throw error
  }
}

/** Where units are decided about here: they leave before the traffic does. What became of them; null: nothing to do. */
async function moveUnits(
  api: AdminApi,
  site: string,
  { undo, reason, by = whoAsks(), force, timeout, json }: DrainOptions,
): Promise<unknown> {
  const failover = new FailoverApi(api)
  if (!(await hasUnits(failover))) return null
  if (undo) return { undrained: await undrainUnits(failover, site, by, reason ?? 'put back') }
  const print = (line: string): void => {
    if (!json) printLine(line)
  }
  return drainUnits(failover, site, { reason, by, force: force === true }, { timeoutMs: timeout, print })
}

function check({ undo, wait, force, reason }: DrainOptions): void {
  if (undo && (wait || force)) throw new CliError('--undo goes with neither --wait nor --force', 2)
  if (force && reason === undefined) throw new CliError('--force needs --reason: it goes to the audit log', 2)
}

function targetOf(name: string, { service }: DrainOptions): DrainTarget {
  if (name.includes(':')) return { endpoint: name, ...(service === undefined ? {} : { service }) }
  if (service !== undefined) throw new CliError('--service goes with an endpoint, not with a site', 2)
  return { site: name }
}

/** Asks until nothing is under way, or the time is over; what was seen last. */
async function untilDone(
  api: AdminApi,
  target: DrainTarget,
  { timeout, json }: DrainOptions,
): Promise<DrainReport | undefined> {
  const until = performance.now() + timeout
  let shown = -1
  for (;;) {
    const report = await find(api, target)
    if (report !== undefined && report.inFlight !== shown && !json)
      printLine(`${nameOf(target)}: ${progress(report)}`)
    shown = report?.inFlight ?? 0
    if (report === undefined || report.inFlight === 0 || performance.now() > until) return report
    await sleep(askEveryMs)
  }
}

async function find(api: AdminApi, target: DrainTarget): Promise<DrainReport | undefined> {
  const drains = await api.drains()
  return drains.find(({ site, endpoint, service }) =>
    'site' in target
      ? site === target.site
      : endpoint === target.endpoint && service === (target.service ?? null),
  )
}

function progress(report: DrainReport | undefined): string {
  if (report === undefined) return 'not drained'
  if (report.inFlight === 0) return 'drained, nothing is under way'
  return `draining, ${report.inFlight} ${report.inFlight === 1 ? 'request' : 'requests'} under way`
}

function nameOf(target: DrainTarget): string {
  return 'site' in target ? target.site : target.endpoint
}

function parseTimeout(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration such as 30s or 5m.')
  return ms
}
