import type { DrillsReport, GatewayReport, ReplicationStatus, SeriesReport } from '@budao/model'
import { banner } from './banner.ts'
import { drills } from './drill-view.ts'
import { el } from './element.ts'
import type { Node } from './element.ts'
import { eventList } from './event-list.ts'
import { failover } from './failover-view.ts'
import { formatSpan, formatTime } from './format.ts'
import type { PageState } from './page-state.ts'
import { replication } from './replication-view.ts'
import { siteCharts } from './site-charts.ts'
import { refused, routes, services, sites } from './tables.ts'
import type { Words } from './words.ts'

/** What the page knows besides, each null where the process has none. */
export interface Others {
  readonly drills: DrillsReport | null
  readonly series: SeriesReport | null
  readonly replication: ReplicationStatus | null
}

/** The page that answers what is broken, who notices, and what was done about it. */
export function overview(state: PageState, others: Others, now: Date, words: Words): Node[] {
  const { report } = state
  const nodes: Node[] = banner(state, now, words)
  if (report === null) return nodes
  const parts = [
    refused(report, now, words),
    sites(report, words),
    siteCharts(others.series, now, words),
    failover(state.failover, now, words),
    replication(others.replication, words),
    services(report, words),
    routes(report, words),
    drills(others.drills, now, words),
    eventList(state.events, now, words),
  ]
  return [...nodes, ...parts.filter((part) => part !== null)]
}

/** Which gateway this is, for the top of every page. */
export function nodeFacts(report: GatewayReport, now: Date, words: Words): Node[] {
  const { node, version, snapshot, startedAt } = report
  const source = words.snapshotFrom(snapshot.source, formatTime(new Date(snapshot.appliedAt), now))
  return [
    el('b', null, words.nodeAt(node.name, node.site)),
    el('span', { title: source, 'data-snapshot': snapshot.version }, words.snapshot(snapshot.version)),
    el('span', null, words.version(version)),
    el('span', null, words.upFor(formatSpan(now.getTime() - Date.parse(startedAt)))),
  ]
}
