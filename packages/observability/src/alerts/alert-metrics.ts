import type { AlertsReport } from '@budao/model'

/** What is counted besides what the report says. */
export interface AlertCounts {
  readonly records: number
  readonly series: number
  readonly seriesDropped: number
  readonly scrapeProblems: number
  readonly evaluations: number
}

/** Rules, alerts and receivers as Prometheus text. */
export function alertMetrics(report: AlertsReport, counts: AlertCounts): string {
  let text = ''
  const family = (name: string, type: 'gauge' | 'counter', help: string): void => {
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }
  const single = (name: string, type: 'gauge' | 'counter', help: string, value: number): void => {
    family(name, type, help)
    text += `${name} ${value}\n`
  }
  family('budao_alerts_active', 'gauge', 'Alerts that are pending or firing.')
  for (const state of ['pending', 'firing'] as const)
    text += `budao_alerts_active{state="${state}"} ${report.alerts.filter((alert) => alert.state === state).length}\n`
  single('budao_alerts_rules', 'gauge', 'Rules that are judged.', report.rules.length)
  const failing = report.rules.filter(({ problem }) => problem !== '').length
  single('budao_alerts_rules_failing', 'gauge', 'Rules that cannot be judged.', failing)
  single('budao_alerts_judged_seconds', 'gauge', 'Since rules were last judged.', report.judgedMs / 1_000)
  single('budao_alerts_evaluations_total', 'counter', 'Times that a rule was judged.', counts.evaluations)
  single('budao_alerts_records_total', 'counter', 'Records and events that rules have seen.', counts.records)
  single('budao_alerts_series', 'gauge', 'Series that are kept for rules.', counts.series)
  single(
    'budao_alerts_series_dropped_total',
    'counter',
    'Samples of series above the limit.',
    counts.seriesDropped,
  )
  single(
    'budao_alerts_scrapes_failing',
    'gauge',
    'Processes whose metrics cannot be read.',
    counts.scrapeProblems,
  )
  single('budao_alerts_notifies', 'gauge', '1 while this process tells people.', report.notifies ? 1 : 0)
  family(
    'budao_alerts_messages_total',
    'counter',
    'Messages by receiver: delivered, failed for good, attempts that failed.',
  )
  for (const { name, delivered, failed, retried } of report.receivers)
    for (const [result, count] of Object.entries({ delivered, failed, retried }))
      text += `budao_alerts_messages_total{receiver="${name}",result="${result}"} ${count}\n`
  family('budao_alerts_messages_waiting', 'gauge', 'Messages that wait, by receiver.')
  for (const { name, waiting } of report.receivers)
    text += `budao_alerts_messages_waiting{receiver="${name}"} ${waiting}\n`
  family('budao_alerts_oldest_message_seconds', 'gauge', 'Since when the oldest of them waits.')
  for (const { name, oldestMs } of report.receivers)
    text += `budao_alerts_oldest_message_seconds{receiver="${name}"} ${(oldestMs ?? 0) / 1_000}\n`
  return text
}
