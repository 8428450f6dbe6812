import type { AlertsReport } from '@budao/model'
import type { TestFailure } from '@budao/observability'
import { createPaint, formatTable } from '../output.ts'

/** What `budao alerts list` prints. */
export function alertTables({ alerts, silences, receivers, rules, notifies }: AlertsReport): string {
  const paint = createPaint()
  const width = Math.max(80, process.stdout.columns ?? 120)
  const shown = alerts.filter(({ state }) => state !== 'resolved')
  const parts: string[] = []
  if (shown.length === 0) parts.push(paint('green', 'nothing fires'))
  else
    parts.push(
      formatTable(
        [{ title: 'STATE' }, { title: 'SEV' }, { title: 'ALERT' }, { title: 'SINCE' }, { title: 'ABOUT' }],
        shown.map(({ state, severity, name, since, labels, annotations, muted, acknowledged }) => {
          const others = Object.entries(labels).filter(([key]) => key !== 'alertname' && key !== 'severity')
          const about = annotations['summary'] ?? others.map(([key, value]) => `${key}=${value}`).join(' ')
          const note = acknowledged === null ? (muted ?? '') : `seen by ${acknowledged.by}`
          return [
            state === 'firing' ? paint('red', state) : paint('yellow', state),
            severity,
            name,
            since.slice(0, 19).replace('T', ' '),
            note === '' ? about : `[${note}] ${about}`,
          ]
        }),
        width,
      ),
    )
  const holding = silences.filter(({ state }) => state !== 'expired')
  if (holding.length > 0)
    parts.push(
      formatTable(
        [
          { title: 'SILENCE' },
          { title: 'UNTIL' },
          { title: 'BY' },
          { title: 'MATCHERS' },
          { title: 'REASON' },
        ],
        holding.map(({ id, endsAt, by, matchers, reason }) => [
          id,
          endsAt.slice(0, 19).replace('T', ' '),
          by,
          matchers.join(' '),
          reason,
        ]),
        width,
      ),
    )
  if (receivers.length > 0)
    parts.push(
      formatTable(
        [
          { title: 'RECEIVER' },
          { title: 'KIND' },
          { title: 'SENT' },
          { title: 'WAITING' },
          { title: 'PROBLEM' },
        ],
        receivers.map(({ name, kind, delivered, waiting, problem }) => [
          name,
          kind,
          String(delivered),
          String(waiting),
          problem,
        ]),
        width,
      ),
    )
  const failing = rules.filter(({ problem }) => problem !== '').length
  parts.push(
    `${rules.length} rules are judged${failing === 0 ? '' : `, ${failing} cannot be`}` +
      (notifies ? '' : '; another process tells people'),
  )
  return parts.join('\n\n')
}

/** A check of a test that does not hold, as promtool says it. */
export function failureText({ test, alertname, evalTimeMs, alerts, found }: TestFailure): string {
  const listed = (all: TestFailure['found']): string =>
    all.length === 0 ? 'nothing' : all.map((alert) => JSON.stringify(alert)).join('\n      ')
  return `FAILED: ${test}: ${alertname} at ${evalTimeMs / 1_000}s\n  exp ${listed(alerts)}\n  got ${listed(found)}`
}
