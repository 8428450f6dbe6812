import type { ReplicatorReport } from '@budao/model'

export type { ReplicatorReport } from '@budao/model'

/** The report as Prometheus text. */
export function replicationMetrics(report: ReplicatorReport): string {
  const lines: string[] = []
  const metric = (
    name: string,
    type: 'gauge' | 'counter' | 'summary',
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
  metric(
    'budao_replication_lag_seconds',
    'summary',
    'Log to the database of a site and back, by heartbeats.',
    [
      ...peers.map((p) => [`{site="${p.site}",quantile="0.5"}`, seconds(p.lagP50Ms)] as const),
      ...peers.map((p) => [`{site="${p.site}",quantile="0.99"}`, seconds(p.lagP99Ms)] as const),
    ],
  )
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
  metric(
    'budao_replication_ended_writes',
    'gauge',
    'Writes of a site that came after their epoch had ended.',
    report.ended.map(({ origin, count }) => [`{site="${origin}"}`, count] as const),
  )
  const logRatio = outgoing.logPercent === null ? null : outgoing.logPercent / 100
  metric('budao_replication_log_fill_ratio', 'gauge', 'How full the event log is.', [['', logRatio]])
  metric(
    'budao_replication_silent_seconds',
    'gauge',
    'Since a heartbeat of a site was applied here.',
    of(incoming, (i) => seconds(i.silentMs)),
  )
  metric(
    'budao_replication_behind_seconds',
    'gauge',
    'Everything that a site committed longer ago than this is here.',
    of(incoming, (i) => seconds(i.lagMs)),
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
  const { resync = null } = report
  metric('budao_replication_resync_rows', 'gauge', 'Rows that this site was filled with, or compared.', [
    ['', resync?.rows ?? null],
  ])
  metric('budao_replication_resync_different', 'gauge', 'Rows that are not the same after a resync.', [
    ['', resync?.different ?? null],
  ])
  metric('budao_replication_lost', 'gauge', 'Writes of this site that did not make it over a failover.', [
    ['', resync?.kind === 'restore' ? resync.lost.length : null],
  ])
  metric('budao_replication_alarms', 'gauge', 'Alarms that are on.', [['', report.alarms.length]])
  return `${lines.join('\n')}\n`
}
