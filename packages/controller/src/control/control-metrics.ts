import type { NodesReport, UnitReport, WatchedReport } from '@budao/model'

/** Prometheus text of one node’s part in failover, format 0.0.4. */
export function controlMetrics(
  nodes: NodesReport,
  units: readonly UnitReport[],
  watched: readonly WatchedReport[],
  counts: Readonly<Record<string, number>>,
  audit: { readonly writable: boolean; readonly lost: number } | null,
): string {
  const text = new Text()
  const links = nodes.nodes.filter(({ link }) => link !== 'self')
  text.family('budao_link_up', 'gauge', '1 while the link with a node is up and beats are answered.')
  for (const { node, link } of links) text.sample({ node }, link === 'up' ? 1 : 0)
  text.family('budao_link_round_trip_seconds', 'gauge', 'Of the last beat that a node answered.')
  for (const { node, roundTripMs } of links)
    if (roundTripMs !== null) text.sample({ node }, roundTripMs / 1000)
  text.family('budao_failover_store_reachable', 'gauge', '1 while the coordination store answers in time.')
  text.sample({}, nodes.store.reachable ? 1 : 0)
  text.family(
    'budao_failover_observer_abstains',
    'gauge',
    '1 while the word of a node does not count, by its own word.',
  )
  for (const { node, abstains } of nodes.nodes) text.sample({ node }, abstains === null ? 0 : 1)
  if (units.length > 0 || audit !== null) {
    text.family('budao_failover_leader', 'gauge', '1 on the controller that leads.')
    text.sample({}, nodes.leader?.self === true ? 1 : 0)
    text.family('budao_failover_term', 'gauge', 'Of the leadership; rises with every new leader.')
    text.sample({}, nodes.leader?.term ?? 0)
  }
  text.family('budao_failover_epoch', 'gauge', 'Of the right to write a unit; rises with every move.')
  for (const { unit, epoch } of units) text.sample({ unit }, epoch ?? 0)
  text.family('budao_failover_owner', 'gauge', '1 at the site that has the right to write a unit.')
  for (const { unit, sites, owner, lease } of units)
    for (const site of sites) text.sample({ unit, site }, owner === site && lease === 'held' ? 1 : 0)
  text.family(
    'budao_failover_lease_renewed_seconds',
    'gauge',
    'Since the last renewal of a lease was seen here.',
  )
  for (const { unit, renewedMs } of units) if (renewedMs !== null) text.sample({ unit }, renewedMs / 1000)
  text.family('budao_failover_run_under_way', 'gauge', '1 while a unit is being moved.')
  for (const { unit, run } of units) text.sample({ unit }, run !== null && run.outcome === null ? 1 : 0)
  text.family(
    'budao_failover_blocked_seconds',
    'gauge',
    'Until a unit may be moved by itself again, if nobody acknowledges.',
  )
  for (const { unit, blockedMs } of units) text.sample({ unit }, blockedMs / 1000)
  text.family('budao_failover_site_down', 'gauge', '1 where the common verdict on a site of a unit is down.')
  for (const { unit, verdicts } of units)
    for (const { site, state } of verdicts) text.sample({ unit, site }, state === 'down' ? 1 : 0)
  const verdicts = watched.flatMap((each) => each.verdicts)
  text.family('budao_failover_site_slow', 'gauge', '1 where a site is found slow, and sheds weight.')
  for (const { service, site, slow } of verdicts) text.sample({ service, site }, slow === undefined ? 0 : 1)
  text.family(
    'budao_failover_site_latency_seconds',
    'gauge',
    'Of a site that is slow: what observers found, by `traffic` (nine of ten requests) or `probes`.',
  )
  for (const { service, site, slow } of verdicts)
    if (slow !== undefined) text.sample({ service, site, by: slow.by }, slow.ms / 1000)
  text.family(
    'budao_failover_events_total',
    'counter',
    'What this node told of failover since it started, by kind.',
  )
  for (const [kind, count] of Object.entries(counts)) text.sample({ kind }, count)
  if (audit !== null) {
    text.family(
      'budao_failover_audit_writable',
      'gauge',
      '0 while the audit log cannot be written: nothing is moved by itself then.',
    )
    text.sample({}, audit.writable ? 1 : 0)
    text.family('budao_failover_audit_lost_total', 'counter', 'Audit records that never came to the disk.')
    text.sample({}, audit.lost)
  }
  return text.toString()
}

class Text {
  #text = ''
  #family = ''

  family(name: string, type: 'gauge' | 'counter', help: string): void {
    this.#family = name
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  sample(labels: Readonly<Record<string, string>>, value: number): void {
    const names = Object.entries(labels).map(([label, of]) => `${label}="${of}"`)
    this.#text += `${this.#family}${names.length === 0 ? '' : `{${names.join(',')}}`} ${value}\n`
  }

  toString(): string {
    return this.#text
  }
}
