import { severities, type BudaoEvent, type LogRecord } from '@budao/model'

const levels = { info: 'info', warning: 'warn', critical: 'error' } as const

/** An event as a record: `event.kind`, `subject`, `service`, `site`, and its evidence as `evidence.…`. */
export function recordOfEvent(event: BudaoEvent, observed: number): LogRecord {
  const { kind, severity, subject, service, site, message, evidence, at } = event
  const level = levels[severity]
  return {
    timestamp: Date.parse(at),
    observed,
    severityNumber: severities[level],
    severityText: level,
    body: message,
    resource: { 'service.name': 'budao' },
    attributes: {
      'event.kind': kind,
      'event.severity': severity,
      subject,
      service: service ?? '',
      site: site ?? '',
      ...Object.fromEntries(Object.entries(evidence).map(([name, value]) => [`evidence.${name}`, value])),
    },
  }
}

/** What alerts say of themselves feeds no rule, or one alert would make the next. */
export function isOwnEvent({ kind }: Pick<BudaoEvent, 'kind'>): boolean {
  return kind.startsWith('alert.')
}
