import type { EndpointReport, GatewayReport, RouteReport, ServiceReport, SiteReport } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import { formatMs, formatNumber, formatTime } from './format.ts'
import { pill, whence, whyOut } from './labels.ts'
import { row, section, table } from './table.ts'
import type { Words } from './words.ts'

type Drains = GatewayReport['drains']

/** Sites as cards: the unit that is lost as a whole. */
export function sites(report: GatewayReport, words: Words): Element {
  return section(
    'sites',
    words.sites,
    el(
      'ul',
      { class: 'sites' },
      report.sites.map((site) => siteCard(site, report.drains, words)),
    ),
  )
}

/** Services, each with the table of its endpoints. */
export function services(report: GatewayReport, words: Words): Element {
  const list = report.services.map((service) => serviceBlock(service, report.drains, words))
  return section('services', words.services, list.length === 0 ? el('p', null, words.noServices) : list)
}

export function routes(report: GatewayReport, words: Words): Element {
  if (report.routes.length === 0) return section('routes', words.routes, el('p', null, words.noRoutes))
  const titles = [
    words.route,
    words.rate,
    '2xx',
    '3xx',
    '4xx',
    '5xx',
    'p50',
    'p99',
    words.retries,
    words.fallbacks,
  ]
  return section(
    'routes',
    words.routes,
    table(
      words.routes,
      titles,
      report.routes.map((route) => routeRow(route, titles)),
    ),
  )
}

/** Why the last configuration was refused; nothing when it was not. */
export function refused(report: GatewayReport, now: Date, words: Words): Element | null {
  if (report.refused === null) return null
  const title = words.refusedTitle(formatTime(new Date(report.refused.at), now))
  const problems = report.refused.problems.map((problem) => el('li', null, problem))
  return section('refused', title, el('ul', { class: 'problems' }, problems))
}

function siteCard(site: SiteReport, drains: Drains, words: Words): Element {
  return el(
    'li',
    { class: 'card', 'data-key': site.name, 'data-site': site.name },
    el('div', { class: 'line' }, el('strong', null, site.name), pill(site.state, words)),
    el(
      'div',
      { class: 'line' },
      el('span', { class: 'quiet' }, words.usableOf(site.usable, site.total)),
      el(
        'span',
        null,
        el('b', { class: 'number' }, formatNumber(site.requestsPerSecond)),
        ' ',
        words.perSecond,
      ),
    ),
    el('div', { class: 'line' }, drainSite(site.name, drains, words)),
  )
}

function serviceBlock(service: ServiceReport, drains: Drains, words: Words): Element {
  const titles = [
    words.endpoint,
    words.site,
    words.state,
    words.breaker,
    words.inFlight,
    words.rate,
    words.latency,
    words.failures,
    '',
  ]
  return el(
    'article',
    { class: 'service', 'data-key': service.name, 'data-service': service.name },
    el(
      'div',
      { class: 'line head' },
      el('h3', null, service.name),
      pill(service.state, words),
      el('span', { class: 'quiet' }, words.serviceFacts(service.mode, service.balance)),
      el(
        'span',
        null,
        el('b', { class: 'number' }, formatNumber(service.requestsPerSecond)),
        ' ',
        words.perSecond,
      ),
      el(
        'span',
        { class: 'breaker' },
        `${words.serviceBreaker} `,
        pill(service.breaker.state, words),
        changeButton(service.name, undefined, words),
      ),
    ),
    service.panic && el('p', { class: 'warning' }, `▲ ${words.panic(service.name)}`),
    table(
      service.name,
      titles,
      service.endpoints.map((endpoint) => endpointRow(service.name, endpoint, drains, titles, words)),
    ),
  )
}

function endpointRow(
  service: string,
  endpoint: EndpointReport,
  drains: Drains,
  titles: readonly string[],
  words: Words,
): Element {
  const { address, site, release, breaker, inFlight, requestsPerSecond, latencyMs } = endpoint
  const why = whyOut(endpoint, words)
  const from = whence(endpoint, words)
  return row({ 'data-key': address, 'data-endpoint': address, 'data-state': endpoint.state }, titles, [
    [
      el('span', { class: 'address' }, address),
      release !== 'stable' && el('span', { class: 'quiet' }, ` ${words.release(release)}`),
      from !== '' && el('div', { class: 'quiet' }, from),
    ],
    site,
    [pill(endpoint.state, words), why !== '' && el('div', { class: 'why' }, why)],
    pill(breaker.state, words),
    formatNumber(inFlight),
    formatNumber(requestsPerSecond),
    formatMs(endpoint.requestsTotal === 0 ? null : latencyMs),
    words.ofTotal(endpoint.failuresTotal, endpoint.requestsTotal),
    [changeButton(service, address, words), drainEndpoint(service, endpoint, drains, words)],
  ])
}

function routeRow(route: RouteReport, titles: readonly string[]): Element {
  const { status } = route
  return row({ 'data-key': route.name, 'data-route': route.name }, titles, [
    route.name,
    formatNumber(route.requestsPerSecond),
    formatNumber(status['2xx']),
    formatNumber(status['3xx']),
    formatNumber(status['4xx']),
    el('span', { class: status['5xx'] > 0 ? 'bad-number' : '' }, formatNumber(status['5xx'])),
    formatMs(route.p50Ms),
    formatMs(route.p99Ms),
    formatNumber(route.retries),
    formatNumber(route.fallbacks),
  ])
}

function changeButton(service: string, endpoint: string | undefined, words: Words): Element {
  return el(
    'button',
    {
      type: 'button',
      class: 'small',
      'data-breaker-service': service,
      'data-breaker-endpoint': endpoint,
      'aria-label': words.changeBreaker(endpoint ?? service),
    },
    words.change,
  )
}

function drainSite(site: string, drains: Drains, words: Words): Element {
  const drain = drains.find((one) => one.site === site)
  return el(
    'span',
    null,
    drain !== undefined &&
      drain.reason !== '' &&
      el('span', { class: 'quiet' }, `${drain.reason} · ${words.underWay(drain.inFlight)} `),
    drainButton({ 'data-drain-site': site }, site, drain !== undefined, words),
  )
}

/** The drain of one endpoint is undone where it was done: in its service, in all of them, or at its site. */
function drainEndpoint(
  service: string,
  { address, state }: EndpointReport,
  drains: Drains,
  words: Words,
): Element | null {
  const drain = drains.find(
    (one) => one.endpoint === address && (one.service === null || one.service === service),
  )
  if (drain === undefined && state === 'draining') return null
  const inService = drain === undefined ? service : (drain.service ?? undefined)
  return drainButton(
    { 'data-drain-endpoint': address, 'data-drain-service': inService },
    address,
    drain !== undefined,
    words,
  )
}

function drainButton(
  attributes: Record<string, string | undefined>,
  name: string,
  drained: boolean,
  words: Words,
): Element {
  return el(
    'button',
    {
      type: 'button',
      class: 'small',
      ...attributes,
      'aria-label': drained ? words.undrainOf(name) : words.drainOf(name),
    },
    drained ? words.undrain : words.drain,
  )
}
