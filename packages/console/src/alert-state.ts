import type { AlertReport, AlertsReport, BudaoEvent } from '@budao/model'
import type { AdminClient } from './admin-client.ts'
import { AskedNowAndThen, pace } from './asked-now-and-then.ts'
import { conditionOf } from './log-condition.ts'
import type { Words } from './words.ts'

/** What the page knows of alerts. */
export interface AlertsState {
  readonly report: AlertsReport
  /** Of alerts, ascending; null while the page of alerts is not shown. */
  readonly history: readonly BudaoEvent[] | null
}

/** Which alerts are shown. */
export const alertChoices = ['firing', 'pending', 'resolved', 'all'] as const

export type AlertChoice = (typeof alertChoices)[number]

const historyMax = 50

/** Asks for alerts where the process judges rules. */
export function alertQuestion(client: Pick<AdminClient, 'get'>): AskedNowAndThen<AlertsState> {
  const ask = async (looking: boolean): Promise<AlertsState> => {
    const [report, history] = await Promise.all([
      client.get<AlertsReport>('/api/v1/alerts'),
      looking
        ? client.get<{ events: BudaoEvent[] }>(`/api/v1/events?kind=alert.*&limit=${historyMax}`)
        : null,
    ])
    return { report, history: history?.events ?? null }
  }
  return new AskedNowAndThen(ask, pace(2_000, 5_000))
}

/** How many fire and are told of. */
export function firingCount(state: AlertsState | null): number {
  return firing(state).length
}

/** The same for the summary, a line for each name, the gravest first. */
export function alertTroubles(state: AlertsState | null, words: Words): string[] {
  return groupAlerts(firing(state)).map(([{ name, severity }, ...others]) =>
    words.alertFires(name, severity, others.length + 1),
  )
}

function firing(state: AlertsState | null): AlertReport[] {
  return state?.report.alerts.filter(({ state: how, muted }) => how === 'firing' && muted === null) ?? []
}

/** Alerts of one name together: those that fire first, then the gravest, then the oldest. */
export function groupAlerts(
  alerts: readonly AlertReport[],
): readonly (readonly [AlertReport, ...AlertReport[]])[] {
  const groups = new Map<string, [AlertReport, ...AlertReport[]]>()
  for (const alert of alerts.toSorted(byUrgency)) {
    const group = groups.get(alert.name)
    if (group === undefined) groups.set(alert.name, [alert])
    else group.push(alert)
  }
  return [...groups.values()]
}

function byUrgency(one: AlertReport, other: AlertReport): number {
  return (
    order.indexOf(one.state) - order.indexOf(other.state) ||
    one.severity.localeCompare(other.severity) ||
    one.since.localeCompare(other.since)
  )
}

const order: readonly AlertReport['state'][] = ['firing', 'pending', 'resolved']

/** Labels that say which of the alerts of a rule it is. */
export function ownLabels({ labels }: Pick<AlertReport, 'labels'>): [name: string, value: string][] {
  return Object.entries(labels).filter(([name]) => name !== 'alertname' && name !== 'severity')
}

/**
 * The filter that finds the records an alert is about; null where its condition is not about records of the log. What is
 * between the brackets of `count(…)` is a filter already; of `ratio(A / B)` it is A, of `p99(field where …)` what follows.
 */
export function samplesOf(condition: string, alert: Pick<AlertReport, 'labels'>): string | null {
  const [, kind = '', rest = ''] = /^\s*(count|rate|ratio|p\d+)\s*\((.*)$/s.exec(condition) ?? []
  const inside = upToBracket(rest)
  // Braces are those of a metric; events of this process are in its history.
  if (inside === null || /^[^"]*\{/.test(inside) || inside.includes('event.kind')) return null
  const [part = ''] = kind === 'ratio' ? inside.split(' / ') : [inside]
  const filter = kind.startsWith('p') ? /\swhere\s(.*)$/s.exec(part)?.[1] : part
  const by = /\bby\s+([\w.]+(?:\s*,\s*[\w.]+)*)/.exec(rest.slice(inside.length))?.[1]?.split(/\s*,\s*/) ?? []
  const group = by.flatMap((name) => {
    const value = alert.labels[name]
    return value === undefined ? [] : [conditionOf(name, value)]
  })
  const wanted = (filter ?? '').trim()
  const written = group.length > 0 && /\sor\s/i.test(wanted) ? `(${wanted})` : wanted
  return [written === '*' ? '' : written, ...group].filter((each) => each !== '').join(' ')
}

/** How far back the condition looks, as it is written; null where it says nothing. */
export function windowOf(condition: string): string | null {
  return /\)[^"]*\bin\s+(\d+(?:ms|s|m|h|d))\b/.exec(condition)?.[1] ?? null
}

/** The text up to the bracket that closes, those between quotes left alone. */
function upToBracket(text: string): string | null {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"' && text[at - 1] !== '\\') quoted = !quoted
    if (quoted) continue
    if (char === '(') depth++
    if (char === ')' && depth-- === 0) return text.slice(0, at)
  }
  return null
}

/** Matchers that mean exactly this alert, or all with these labels. */
export function matchersOf({ labels }: Pick<AlertReport, 'labels'>): string[] {
  // The name of the rule first: it is what people look for.
  return Object.entries(labels)
    .filter(([name]) => name !== 'severity')
    .toSorted(([one], [other]) => Number(other === 'alertname') - Number(one === 'alertname'))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
}
