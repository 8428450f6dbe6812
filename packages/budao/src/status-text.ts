import type { BudaoEvent, DrainReport, EndpointReport, GatewayReport, ServiceReport } from '@budao/model'
import { type Colour, type Paint, formatTable } from './output.ts'

/** The widest line: what every terminal shows. */
export const STATUS_WIDTH = 80

/** True when every site and service is up, nothing keeps its requests out, and the gateway serves. */
export function isHealthy(report: GatewayReport): boolean {
  return (
    report.state === 'serving' &&
    report.sites.every(({ state, total }) => state === 'up' || state === 'drained' || total === 0) &&
    report.services.every(({ state, breaker }) => state === 'up' && !breaker.state.endsWith('open'))
  )
}

/** A report for a terminal, without a final line end. `events` ascending; `failover` is shown after the services. */
export function formatStatus(
  report: GatewayReport,
  events: readonly BudaoEvent[],
  paint: Paint,
  width: number = STATUS_WIDTH,
  failover = '',
): string {
  const { node, state, snapshot, requestsPerSecond } = report
  const facts = [
    `${node.name} at ${node.site}`,
    state,
    `snapshot ${snapshot.version}`,
    `${rate(requestsPerSecond)} requests/s`,
  ]
  const alarms = warnings(report).map((line) => paint('yellow', fit(line, width)))
  const blocks = [
    [paint('bold', fit(facts.join(' · '), width)), ...alarms].join('\n'),
    sites(report, paint, width),
    services(report, paint, width),
    reasons(report)
      .map((line) => fit(line, width))
      .join('\n'),
    failover,
    events.map((event) => eventLine(event, paint, width)).join('\n'),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function warnings({ refused, snapshot, workers, names, drains }: GatewayReport): string[] {
  const others = [
    ...workers.filter(({ state }) => state === 'crashed').map(({ id }) => `worker ${id} crashed`),
    ...names
      .filter(({ state }) => state !== 'fresh')
      .map(({ name, addresses, problem }) => `${name} is not resolved, ${addresses} kept: ${problem}`),
    ...drains.map(drainLine),
  ]
  if (refused === null) return others
  const title = `configuration refused at ${refused.at}; snapshot ${snapshot.version} goes on`
  return [title, ...refused.problems.map((problem) => `  ${problem}`), ...others]
}

function drainLine({ site, endpoint, service, since, reason, inFlight, endpoints }: DrainReport): string {
  const what = site === null ? `${endpoint}${service === null ? '' : ` of ${service}`}` : `site ${site}`
  const how =
    endpoints === 0 ? 'not there now' : inFlight === 0 ? 'drained' : `draining, ${inFlight} under way`
  return `${what}: ${how}, since ${since.slice(0, 16)}Z${reason === '' ? '' : `: ${reason}`}`
}

function sites(report: GatewayReport, paint: Paint, width: number): string {
  if (report.sites.length === 0) return ''
  return formatTable(
    [
      { title: 'SITE' },
      { title: 'STATE' },
      { title: 'USABLE', align: 'right' },
      { title: 'BUSY', align: 'right' },
      { title: 'REQ/S', align: 'right' },
      { title: 'ERR/S', align: 'right' },
    ],
    report.sites.map((site) => [
      site.name,
      coloured(site.state, paint),
      `${site.usable}/${site.total}`,
      String(site.inFlight),
      rate(site.requestsPerSecond),
      errors(site.failuresPerSecond, paint),
    ]),
    width,
  )
}

function services(report: GatewayReport, paint: Paint, width: number): string {
  if (report.services.length === 0) return ''
  // Leases take room that most reports need for addresses.
  const leases = report.services.some(({ endpoints }) => endpoints.some(({ leaseMs }) => leaseMs !== null))
  return formatTable(
    [
      { title: 'SERVICE' },
      { title: 'SITE' },
      { title: 'STATE' },
      { title: 'BREAKER' },
      { title: 'BUSY', align: 'right' },
      { title: 'REQ/S', align: 'right' },
      { title: 'ERR/S', align: 'right' },
      { title: 'P99', align: 'right' },
      ...(leases ? [{ title: 'LEASE', align: 'right' as const }] : []),
    ],
    report.services.flatMap((service) => serviceRows(service, leases, paint)),
    width,
  )
}

function serviceRows(service: ServiceReport, leases: boolean, paint: Paint): string[][] {
  const head = [service.name, '', ...traffic(service, paint), ...(leases ? [''] : [])]
  const endpoints = service.endpoints.map((endpoint) => [
    `  ${endpoint.address}`,
    endpoint.site,
    ...traffic(endpoint, paint),
    ...(leases ? [lease(endpoint.leaseMs, paint)] : []),
  ])
  return [head, ...endpoints]
}

function traffic(one: ServiceReport | EndpointReport, paint: Paint): string[] {
  return [
    coloured(one.state, paint),
    coloured(one.breaker.state, paint),
    String(one.inFlight),
    rate(one.requestsPerSecond),
    errors(one.failuresPerSecond, paint),
    milliseconds(one.p99Ms),
  ]
}

/** Why endpoints are out: too long for a column. */
function reasons(report: GatewayReport): string[] {
  return report.services.flatMap(({ name, panic, waiting, limit, endpoints }) => [
    ...(waiting > 0 ? [`${name}: ${waiting} wait for a place, at most ${limit} are served at once`] : []),
    ...(panic ? [`${name}: so few endpoints are healthy that health is ignored (panic)`] : []),
    ...endpoints.flatMap(({ address, state, lastCheckError, ejectedForMs, breaker }) => {
      switch (state) {
        case 'usable':
          return []
        case 'unhealthy':
          return [`${address}: ${lastCheckError === '' ? 'health checks fail' : lastCheckError}`]
        case 'ejected':
          return [`${address}: failed requests, ejected for ${Math.ceil(ejectedForMs / 1_000)} s more`]
        case 'open':
          return [`${address}: ${breaker.failures} of ${breaker.calls} calls failed`]
        case 'draining':
          return []
      }
    }),
  ])
}

/** An event in one line. */
export function eventLine({ at, severity, message }: BudaoEvent, paint: Paint, width: number): string {
  const line = fit(`${at.slice(0, 19)}Z  ${message}`, width)
  return severity === 'info' ? line : paint(severity === 'critical' ? 'red' : 'yellow', line)
}

const colours: Readonly<Record<string, Colour>> = {
  up: 'green',
  usable: 'green',
  degraded: 'yellow',
  'half-open': 'yellow',
  'forced-closed': 'yellow',
  drained: 'yellow',
  draining: 'yellow',
  down: 'red',
  unhealthy: 'red',
  ejected: 'red',
  open: 'red',
  'forced-open': 'red',
}

function coloured(state: string, paint: Paint): string {
  const colour = colours[state]
  return colour === undefined ? state : paint(colour, state)
}

function errors(value: number, paint: Paint): string {
  return value === 0 ? '0' : paint('red', value < 0.1 ? '<0.1' : rate(value))
}

function milliseconds(ms: number | null): string {
  if (ms === null) return '-'
  return ms < 10_000 ? `${rate(ms)}ms` : `${Math.round(ms / 1_000)}s`
}

function lease(ms: number | null, paint: Paint): string {
  if (ms === null) return ''
  return ms === 0 ? paint('red', 'over') : `${Math.ceil(ms / 1_000)}s`
}

function rate(value: number): string {
  return value >= 10 || value === 0 ? String(Math.round(value)) : value.toFixed(1)
}

function fit(line: string, width: number): string {
  const letters = Array.from(line.replaceAll(/\s*\n\s*/g, ' '))
  return letters.length <= width ? letters.join('') : `${letters.slice(0, width - 1).join('')}…`
}
