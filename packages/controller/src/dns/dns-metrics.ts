import type { GslbReport } from '@budao/model'
import type { DnsCounts } from './dns-counts.ts'

type Sample = (labels: Readonly<Record<string, string>>, value: number) => void

/** Text in Prometheus' format 0.0.4. No label holds what a client has sent. */
export function dnsMetrics(report: GslbReport, counts: DnsCounts, connections: number): string {
  const lines: string[] = []
  const family = (name: string, type: 'counter' | 'gauge', help: string): Sample => {
    lines.push(`# HELP budao_dns_${name} ${help}`, `# TYPE budao_dns_${name} ${type}`)
    return (labels, value) => {
      const pairs = Object.entries(labels).map(([key, label]) => `${key}="${label}"`)
      lines.push(`budao_dns_${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`)
    }
  }

  let sample = family('queries_total', 'counter', 'Questions, by how they came.')
  for (const [transport, count] of Object.entries(counts.queries)) sample({ transport }, count)
  sample = family('answers_total', 'counter', 'Answers, by code.')
  for (const [code, count] of Object.entries(counts.answers)) sample({ code }, count)
  sample = family('truncated_total', 'counter', 'Answers too long for UDP: their clients come again by TCP.')
  sample({}, counts.truncated)
  sample = family(
    'limited_total',
    'counter',
    'Answers beyond the rate of a network, dropped or truncated; or muted by a drill.',
  )
  sample({ action: 'drop' }, counts.limited)
  sample({ action: 'mute' }, counts.muted)
  sample({ action: 'slip' }, counts.slipped)
  sample = family(
    'dropped_total',
    'counter',
    'Messages that got no answer: no questions, or the machine took no more.',
  )
  sample({ reason: 'no-question' }, counts.ignored)
  sample({ reason: 'not-sent' }, counts.unsent)
  sample = family('connections', 'gauge', 'Open connections of DNS over TCP.')
  sample({}, connections)
  sample = family(
    'connections_refused_total',
    'counter',
    'Connections of DNS over TCP ended because of a limit, or of what came on them.',
  )
  sample({}, counts.refusedConnections)
  sample = family('stale_answers_total', 'counter', 'Answers with the last good sites, as none is usable.')
  sample({}, counts.stale)

  sample = family('name_ttl_seconds', 'gauge', 'How long an answer for a name may be kept now.')
  for (const { name, ttlMs } of report.names) sample({ name }, ttlMs / 1_000)
  sample = family(
    'name_stale',
    'gauge',
    '1 while no site of a name is usable and its last good answer stays.',
  )
  for (const { name, by } of report.names) sample({ name }, by === 'last-good' ? 1 : 0)
  sample = family('site_answered', 'gauge', '1 while somebody may be answered with this site.')
  for (const { name, sites } of report.names)
    for (const { site, answered } of sites) sample({ name, site }, answered ? 1 : 0)
  sample = family('site_answers_total', 'counter', 'Answers with this site.')
  for (const { name, sites } of report.names)
    for (const { site, answers } of sites) sample({ name, site }, answers)

  if (report.withdrawn !== null) {
    const { site, requestsPerSecond, share } = report.withdrawn
    sample = family(
      'withdrawn_requests_per_second',
      'gauge',
      'Requests that still come to this gateway while its site is out of all answers.',
    )
    sample({ site }, requestsPerSecond)
    if (share !== null) {
      sample = family('withdrawn_share', 'gauge', 'The same, of those that came when the site was taken out.')
      sample({ site }, share)
    }
  }
  return `${lines.join('\n')}\n`
}
