import type { Alarm } from './loop/alarms.ts'
import type { LoopState } from './loop/loop-state.ts'

/** What a replicator says of itself. Times in milliseconds. */
export interface ReplicatorReport {
  readonly site: string
  readonly outgoing: LoopState & {
    /** Events put into the log since the start. */
    readonly events: number
    /** Events that are not in the log yet. */
    readonly backlog: number
    readonly outboxPercent: number
    /** Null: the log has no limit of ours. */
    readonly logPercent: number | null
  }
  readonly peers: readonly PeerReport[]
  readonly incoming: readonly IncomingReport[]
  readonly deadLetters: number
  readonly conflicts: number
  /** By table, with the reason. */
  readonly paused: Readonly<Record<string, string>>
  readonly alarms: readonly Alarm[]
}

/** How far a peer is with this site's changes; told from its answers, by this site's clock. */
export interface PeerReport {
  readonly site: string
  /** Entries of the log, heartbeats included, that it has not said to have. */
  readonly behind: number
  /** Age of the oldest write that it may not have; 0: it has all. */
  readonly rpoMs: number
  /** From log to database and back; null: not measured yet. */
  readonly lagP50Ms: number | null
  readonly lagP99Ms: number | null
  /** Since its last answer. */
  readonly silentMs: number
  /** `sync` writes are acknowledged without it. */
  readonly degraded: boolean
}

/** What comes from another site. */
export interface IncomingReport extends LoopState {
  readonly site: string
  /** Since its last heartbeat was applied: younger writes of it may be missing here. */
  readonly silentMs: number
  readonly applied: number
  readonly duplicates: number
  readonly conflicts: number
  readonly parked: number
}

/** The report as Prometheus text. */
export function replicationMetrics(report: ReplicatorReport): string {
  const lines: string[] = []
  const metric = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    samples: readonly (readonly [labels: string, value: number | null])[],
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const [labels, value] of samples) if (value !== null) lines.push(`${name}${labels} ${value}`)
  }
  const { outgoing, peers, incoming } = report
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000)
  const of = <T extends { readonly site: string }>(all: readonly T[], value: (one: T) => number | null) =>
    all.map((one) => [`{site="${one.site}"}`, value(one)] as const)
  metric(
    'budao_replication_rpo_seconds',
    'gauge',
    'Age of the oldest write that a site may not have.',
    of(peers, (p) => seconds(p.rpoMs)),
  )
  metric('budao_replication_lag_seconds', 'gauge', 'Log to the database of a site and back, by heartbeats.', [
    ...peers.map((p) => [`{site="${p.site}",quantile="0.5"}`, seconds(p.lagP50Ms)] as const),
    ...peers.map((p) => [`{site="${p.site}",quantile="0.99"}`, seconds(p.lagP99Ms)] as const),
  ])
  metric(
    'budao_replication_behind',
    'gauge',
    'Entries of the log that a site has not applied.',
    of(peers, (p) => p.behind),
  )
  metric(
    'budao_replication_degraded',
    'gauge',
    '1: sync writes are acknowledged without the site.',
    of(peers, (p) => Number(p.degraded)),
  )
  metric('budao_replication_sent_total', 'counter', 'Events put into the log.', [['', outgoing.events]])
  metric('budao_replication_backlog', 'gauge', 'Events that are not in the log yet.', [
    ['', outgoing.backlog],
  ])
  metric('budao_replication_outbox_fill_ratio', 'gauge', 'How full the outbox is.', [
    ['', outgoing.outboxPercent / 100],
  ])
  const logRatio = outgoing.logPercent === null ? null : outgoing.logPercent / 100
  metric('budao_replication_log_fill_ratio', 'gauge', 'How full the event log is.', [['', logRatio]])
  metric(
    'budao_replication_silent_seconds',
    'gauge',
    'Since a heartbeat of a site was applied here.',
    of(incoming, (i) => seconds(i.silentMs)),
  )
  metric(
    'budao_replication_applied_total',
    'counter',
    'Events of a site that were applied.',
    of(incoming, (i) => i.applied),
  )
  metric(
    'budao_replication_duplicates_total',
    'counter',
    'Events of a site that were there already.',
    of(incoming, (i) => i.duplicates),
  )
  metric(
    'budao_replication_conflicts_total',
    'counter',
    'Events of a site that did not know of a change here.',
    of(incoming, (i) => i.conflicts),
  )
  metric(
    'budao_replication_parked_total',
    'counter',
    'Events of a site that became dead letters.',
    of(incoming, (i) => i.parked),
  )
  metric('budao_replication_dead_letters', 'gauge', 'Events that wait for a person.', [
    ['', report.deadLetters],
  ])
  metric('budao_replication_alarms', 'gauge', 'Alarms that are on.', [['', report.alarms.length]])
  return `${lines.join('\n')}\n`
}
