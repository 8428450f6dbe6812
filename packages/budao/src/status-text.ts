import type { BudaoEvent, DrainReport, GatewayReport, ServiceReport } from '@budao/model'
import { type Colour, type Paint, formatTable } from './output.ts'

const width = 80

/** True when every site and service is up, nothing keeps its requests out, and the gateway serves. */
export function isHealthy(report: GatewayReport): boolean {
  return (
    report.state === 'serving' &&
    report.sites.every(({ state, total }) => state === 'up' || state === 'drained' || total === 0) &&
    report.services.every(({ state, breaker }) => state === 'up' && !breaker.state.endsWith('open'))
  )
}

/** A report for a terminal, 80 columns wide, without a final line end. `events` ascending. */
export function formatStatus(report: GatewayReport, events: readonly BudaoEvent[], paint: Paint): string {
  const { node, state, snapshot, requestsPerSecond } = report
  const facts = [
    `${node.name} at ${node.site}`,
    state,
    `snapshot ${snapshot.version}`,
    `${rate(requestsPerSecond)} requests/s`,
  ]
  const blocks = [
    [paint('bold', facts.join(' · ')), ...warnings(report).map((line) => paint('yellow', fit(line)))].join(
      '\n',
    ),
    sites(report, paint),
    services(report, paint),
    reasons(report).map(fit).join('\n'),
    events.map((event) => eventLine(event, paint)).join('\n'),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function warnings({ refused, snapshot, workers, names, drains }: GatewayReport): string[] {
  const crashed = [
    ...workers.filter(({ state }) => state === 'crashed').map(({ id }) => `worker ${id} crashed`),
    ...names
      .filter(({ state }) => state !== 'fresh')
      .map(({ name, addresses, problem }) => `${name} is not resolved, ${addresses} kept: ${problem}`),
    ...drains.map(drainLine),
  ]
  if (refused === null) return crashed
  const title = `configuration refused at ${refused.at}; snapshot ${snapshot.version} goes on`
  return [title, ...refused.problems.map((problem) => `  ${problem}`), ...crashed]
}

function drainLine({ site, endpoint, service, since, reason, inFlight, endpoints }: DrainReport): string {
  const what = site === null ? `${endpoint}${service === null ? '' : ` of ${service}`}` : `site ${site}`
  const how =
    endpoints === 0 ? 'not there now' : inFlight === 0 ? 'drained' : `draining, ${inFlight} under way`
  return `${what}: ${how}, since ${since.slice(0, 16)}Z: ${reason}`
}

function sites(report: GatewayReport, paint: Paint): string {
  if (report.sites.length === 0) return ''
  return formatTable(
    [
      { title: 'SITE' },
      { title: 'STATE' },
      { title: 'USABLE', align: 'right' },
      { title: 'REQ/S', align: 'right' },
    ],
    report.sites.map(({ name, state, usable, total, requestsPerSecond }) => [
      name,
      coloured(state, paint),
      `${usable}/${total}`,
      rate(requestsPerSecond),
    ]),
    width,
  )
}

function services(report: GatewayReport, paint: Paint): string {
  if (report.services.length === 0) return ''
  return formatTable(
    [
      { title: 'SERVICE' },
      { title: 'SITE' },
      { title: 'STATE' },
      { title: 'BREAKER' },
      { title: 'BUSY', align: 'right' },
      { title: 'REQ/S', align: 'right' },
      { title: 'MS', align: 'right' },
      { title: 'FAILED', align: 'right' },
    ],
    report.services.flatMap((service) => serviceRows(service, paint)),
    width,
  )
}

function serviceRows(service: ServiceReport, paint: Paint): string[][] {
  const head = [
    service.name,
    '',
    coloured(service.state, paint),
    coloured(service.breaker.state, paint),
    String(service.inFlight),
    rate(service.requestsPerSecond),
    '',
    '',
  ]
  const endpoints = service.endpoints.map((endpoint) => [
    `  ${endpoint.address}`,
    endpoint.site,
    coloured(endpoint.state, paint),
    coloured(endpoint.breaker.state, paint),
    String(endpoint.inFlight),
    rate(endpoint.requestsPerSecond),
    endpoint.requestsTotal === 0 ? '-' : endpoint.latencyMs.toFixed(1),
    String(endpoint.failuresTotal),
  ])
  return [head, ...endpoints]
}

/** Why endpoints are out: too long for a column. */
function reasons(report: GatewayReport): string[] {
  return report.services.flatMap(({ name, panic, endpoints }) => [
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

function eventLine({ at, severity, message }: BudaoEvent, paint: Paint): string {
  const line = fit(`${at.slice(0, 19)}Z  ${message}`)
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

function rate(value: number): string {
  return value >= 10 || value === 0 ? String(Math.round(value)) : value.toFixed(1)
}

function fit(line: string): string {
  const letters = Array.from(line.replaceAll(/\s*\n\s*/g, ' '))
  return letters.length <= width ? letters.join('') : `${letters.slice(0, width - 1).join('')}…`
}
