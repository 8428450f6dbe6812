import type {
  NodeReport,
  NodesReport,
  SiteDrainReport,
  SiteVerdict,
  UnitReport,
  WatchedReport,
} from '@budao/model'
import { formatTable, type Colour, type Paint } from '../output.ts'
import type { FailoverOverview } from './failover-api.ts'
import { span } from './move-text.ts'

/** What `budao status` knows of failover. */
export interface FailoverStatus extends FailoverOverview {
  readonly nodes: NodesReport
}

/** True when every unit is held by a site that is well, nothing moves, somebody leads and hears the others. */
export function failoverIsHealthy({ leader, units, drains, nodes }: FailoverStatus): boolean {
  return (
    leader !== null &&
    nodes.store.reachable &&
    nodes.nodes.every(({ link }) => link === 'self' || link === 'up') &&
    drains.every(({ state }) => state === 'drained') &&
    units.every(unitIsHealthy)
  )
}

function unitIsHealthy({ lease, owner, verdicts, run }: UnitReport): boolean {
  const state = verdicts.find(({ site }) => site === owner)?.state
  return (
    lease === 'held' && (state === 'up' || state === 'degraded') && (run === null || run.outcome !== null)
  )
}

/** The part of `budao status` that is about failover; empty where there are no units and no other nodes. */
export function formatFailover(status: FailoverStatus, paint: Paint, width: number): string {
  const { units, drains, nodes } = status
  if (units.length === 0 && nodes.nodes.length <= 1) return ''
  return [
    units.length === 0 ? '' : unitTable(units, paint, width),
    watchedTable(unitless(status), paint, width),
    [
      ...unitless(status).flatMap(({ service, verdicts }) =>
        verdicts.flatMap((verdict) =>
          verdict.slow === undefined ? [] : [paint('yellow', fit(`${service}: ${slowText(verdict)}`, width))],
        ),
      ),
      ...units.flatMap((unit) => troubles(unit).map((line) => paint('yellow', fit(line, width)))),
      ...drains.flatMap((drain) => drainLines(drain).map((line) => fit(line, width))),
    ].join('\n'),
    [leaderLine(status, paint, width), nodeTable(nodes.nodes, paint, width)].join('\n'),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

/** Services that are watched and of which nothing can be moved. */
export function unitless({ watched = [], units }: FailoverOverview): readonly WatchedReport[] {
  return watched.filter(({ service }) => !units.some((unit) => unit.service === service))
}

/** Why a site is slow, in a few words. */
function slowText({ site, slow }: SiteVerdict): string {
  const { by, ms, usualMs } = slow!
  return `${site} is slow by ${by}: ${Math.round(ms)} ms, usual ${Math.round(usualMs)} ms; its weight is shed`
}

function watchedTable(watched: readonly WatchedReport[], paint: Paint, width: number): string {
  if (watched.length === 0) return ''
  return formatTable(
    [{ title: 'WATCHED' }, { title: 'SITES' }],
    watched.map(({ service, verdicts }) => [
      service,
      verdicts.map(({ site, state }) => `${site} ${paint(stateColours[state] ?? 'dim', state)}`).join(', '),
    ]),
    width,
  )
}

function unitTable(units: readonly UnitReport[], paint: Paint, width: number): string {
  return formatTable(
    [
      { title: 'UNIT' },
      { title: 'OWNER' },
      { title: 'EPOCH', align: 'right' },
      { title: 'LEASE' },
      { title: 'SEEN', align: 'right' },
      { title: 'AUTO' },
      { title: 'SITES' },
    ],
    units.map((unit) => [
      unit.unit,
      unit.owner ?? '-',
      String(unit.epoch ?? '-'),
      unit.lease === null ? '-' : paint(unit.lease === 'held' ? 'green' : 'yellow', unit.lease),
      unit.renewedMs === null ? '-' : span(unit.renewedMs),
      unit.automation === 'on' ? 'on' : paint('yellow', unit.automation),
      unit.sites.map((site) => `${site} ${siteState(unit, site, paint)}`).join(', '),
    ]),
    width,
  )
}

function siteState({ verdicts, drained, standbys }: UnitReport, site: string, paint: Paint): string {
  if (drained.includes(site)) return paint('yellow', 'drained')
  const standby = standbys.find((each) => each.site === site)?.state
  if (standby === 'cold') return 'cold'
  const state = verdicts.find((verdict) => verdict.site === site)?.state ?? 'unknown'
  const colour = stateColours[state]
  return colour === undefined ? state : paint(colour, state)
}

/** What somebody may have to do something about. */
function troubles(report: UnitReport): string[] {
  const { unit, run, why, blockedMs } = report
  const lines: string[] = []
  if (run !== null && run.outcome === null) {
    lines.push(`${unit}: ${run.kind} from ${run.from} to ${run.to}, ${run.step} (${run.by}: ${run.reason})`)
  }
  if (why !== null && why.code !== 'owner-fine' && !(run?.outcome === null && why.code === 'run-under-way')) {
    const settled = why.code === 'moved' || why.code === 'not-leader'
    if (!settled) lines.push(`${unit}: ${why.message}`)
  }
  for (const verdict of report.verdicts)
    if (verdict.slow !== undefined) lines.push(`${unit}: ${slowText(verdict)}`)
  if (blockedMs > 0) {
    lines.push(`${unit}: no failover by itself for ${span(blockedMs)}, or budao failover ack ${unit}`)
  }
  return lines
}

function drainLines({ site, since, state, moves, reason, lost }: SiteDrainReport): string[] {
  const moved = moves.filter((move) => move.state === 'moved').length
  const how = state === 'drained' ? 'no units are there' : `${state}, ${moved} of ${moves.length} units moved`
  return [
    `site ${site}: ${how}, since ${since.slice(0, 16)}Z: ${reason}`,
    ...moves.filter(({ why }) => why !== '').map(({ unit, why }) => `  ${unit}: ${why}`),
    ...lost.map((unit) => `  ${unit}: has no site left; it was forced`),
  ]
}

function leaderLine({ leader, nodes: { self, store } }: FailoverStatus, paint: Paint, width: number): string {
  const who =
    leader === null
      ? paint('red', 'nobody leads')
      : `${leader.node} leads, term ${leader.term}${leader.self ? '' : ` (seen by ${self})`}`
  const answered =
    store.answeredMs === null ? 'has not answered yet' : `answered ${span(store.answeredMs)} ago`
  const kept = store.reachable
    ? `store ${store.type} ${answered}`
    : paint('red', `store ${store.type} is away`)
  return fit(`${who} · ${kept}`, width)
}

function nodeTable(nodes: readonly NodeReport[], paint: Paint, width: number): string {
  return formatTable(
    [
      { title: 'NODE' },
      { title: 'SITE' },
      { title: 'ROLES' },
      { title: 'LINK' },
      { title: 'BEAT', align: 'right' },
      { title: 'RTT', align: 'right' },
      { title: 'NOTE' },
    ],
    nodes.map(({ node, site, roles, link, answeredMs, roundTripMs, why, abstains }) => [
      node,
      site ?? '(witness)',
      // All of them watch.
      roles.length > 1 ? roles.filter((role) => role !== 'observer').join(' ') : roles.join(' '),
      link === 'up' || link === 'self' ? paint('green', link) : paint('red', link),
      answeredMs === null ? '' : span(answeredMs),
      roundTripMs === null ? '' : `${roundTripMs.toFixed(1)} ms`,
      abstains === null ? why : `abstains: ${abstains}`,
    ]),
    width,
  )
}

const stateColours: Readonly<Record<string, Colour>> = {
  up: 'green',
  degraded: 'yellow',
  suspect: 'yellow',
  advise: 'yellow',
  down: 'red',
}

/** The line, or its beginning; one that is coloured and too long loses its colour. */
export function fit(line: string, width: number): string {
  // oxlint-disable-next-line no-control-regex -- that is what it is about
  const plain = line.replaceAll(/\u001b\[\d+m/g, '').replaceAll(/\s*\n\s*/g, ' ')
  const letters = Array.from(plain)
  return letters.length <= width ? line : `${letters.slice(0, width - 1).join('')}…`
}
