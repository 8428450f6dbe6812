import type { AlertReport, AlertRuleReport } from '@budao/model'
import { alertChoices, groupAlerts, ownLabels, samplesOf, windowOf } from './alert-state.ts'
import type { AlertChoice, AlertsState } from './alert-state.ts'
import { alertTables } from './alert-tables.ts'
import { el } from './element.ts'
import type { Content, Element, Node } from './element.ts'
import { eventList } from './event-list.ts'
import { badge } from './failover-view.ts'
import { formatSpan, formatTime } from './format.ts'
import type { Tone } from './labels.ts'
import { logRanges } from './log-search.ts'
import { routeTo } from './page-route.ts'
import { section } from './table.ts'
import type { Words } from './words.ts'

/** Drawn at a time: somebody who has more has one trouble, not so many. */
const shownMax = 100
/** Rules that were judged longer ago stand still: three times the usual interval of 5 s. */
const stalledMs = 15_000

const tones: { readonly [state in AlertReport['state']]: Tone } = {
  firing: 'bad',
  pending: 'warn',
  resolved: 'good',
}

const example = `alerts:
  receivers:
    ops: { webhook: { url: https://chat.example/hook } }
  notify: [ops]`

/** The page of alerts: those there are, what keeps them quiet, how their messages go, and what happened. */
export function alertView(
  state: AlertsState | null,
  asked: boolean,
  choice: AlertChoice,
  now: Date,
  words: Words,
): Node[] {
  if (state === null) {
    if (!asked) return [el('p', { class: 'banner plain' }, words.connecting)]
    return [
      el(
        'section',
        { class: 'card', 'data-key': 'off', 'data-alerts': 'off' },
        el('h2', null, words.alertsOff),
        el('p', null, words.alertsOffHint),
        el('pre', null, example),
      ),
    ]
  }
  const { report, history } = state
  const { rules, judgedMs, notifies } = report
  const chosen = report.alerts.filter((alert) => choice === 'all' || alert.state === choice)
  const conditions = new Map(rules.map((rule) => [rule.name, rule]))
  const groups = groupAlerts(chosen)
  return [
    section('alerts', words.alerts, [
      el(
        'p',
        { class: 'line', 'data-key': 'judged' },
        el('span', { class: 'quiet' }, words.alertsJudged(rules.length, formatSpan(judgedMs))),
        el('span', { class: 'quiet' }, notifies ? words.alertsTell : words.alertsElsewhere),
      ),
      judgedMs > stalledMs &&
        el('p', { class: 'notice bad', role: 'alert' }, `✕ ${words.alertsStalled(formatSpan(judgedMs))}`),
      choices(report.alerts, choice, words),
      chosen.length === 0
        ? el('p', { class: 'card', 'data-key': 'none' }, words.alertsNone[choice])
        : el('div', { 'data-key': 'groups' }, shown(groups, conditions, now, words)),
      chosen.length > shownMax && el('p', { class: 'quiet' }, words.alertsMore(chosen.length - shownMax)),
    ]),
    ...alertTables(report, now, words),
    ...(history === null
      ? []
      : [eventList(history, now, words, { id: 'history', title: words.alertHistory })]),
  ]
}

function choices(alerts: readonly AlertReport[], choice: AlertChoice, words: Words): Element {
  return el(
    'nav',
    { class: 'choices', 'aria-label': words.alertChoicesTitle },
    alertChoices.map((each) => {
      const count = each === 'all' ? alerts.length : alerts.filter(({ state }) => state === each).length
      return el(
        'a',
        {
          href: routeTo('alerts', { state: each === 'firing' ? '' : each }),
          'aria-current': each === choice ? 'true' : undefined,
          'data-choice': each,
        },
        `${words.alertStates[each]} `,
        el('b', null, String(count)),
      )
    }),
  )
}

function shown(
  groups: readonly (readonly AlertReport[])[],
  rules: ReadonlyMap<string, AlertRuleReport>,
  now: Date,
  words: Words,
): Element[] {
  let left = shownMax
  return groups.flatMap((group) => {
    const some = group.slice(0, left)
    left -= some.length
    return some.length === 0 ? [] : [groupCard(some, group.length, rules.get(group[0]!.name), now, words)]
  })
}

function groupCard(
  alerts: readonly AlertReport[],
  count: number,
  rule: AlertRuleReport | undefined,
  now: Date,
  words: Words,
): Element {
  const [{ name, severity, labels }] = alerts as [AlertReport]
  const first = alerts[0]!
  const runbook = first.annotations['runbook_url']
  return el(
    'section',
    { class: 'service alert-group', 'data-key': name, 'data-alert-group': name, 'aria-label': name },
    el(
      'div',
      { class: 'head line' },
      el('h3', null, name),
      el('span', { class: `severity ${severity}` }, severity),
      count > 1 && el('span', { class: 'quiet' }, `× ${count}`),
      el(
        'span',
        { class: 'breaker' },
        runbook !== undefined && runbookOf(runbook, words),
        button('silence', first, words.alertSilence, words.alertSilenceOf(name), {
          ...(count === 1 ? labels : { alertname: name }),
        }),
      ),
    ),
    rule !== undefined &&
      el(
        'p',
        { class: 'condition' },
        el('span', { class: 'quiet' }, `${words.alertCondition} `),
        el('code', null, rule.condition),
      ),
    el(
      'ul',
      { class: 'alerts' },
      alerts.map((alert) => item(alert, rule?.condition ?? '', now, words)),
    ),
  )
}

function item(alert: AlertReport, condition: string, now: Date, words: Words): Element {
  const { fingerprint, state, annotations, value, since, endedAt, muted, acknowledged, name } = alert
  const labels = ownLabels(alert)
  const filter = condition === '' ? null : samplesOf(condition, alert)
  return el(
    'li',
    { 'data-key': fingerprint, 'data-alert': name, 'data-state': state, 'data-muted': muted ?? undefined },
    el(
      'div',
      { class: 'line' },
      badge(tones[state], words.alertStates[state]),
      muted !== null && badge('warn', words.alertMuted[muted]),
      labels.map(([key, text]) => el('span', { class: 'label' }, `${key} `, el('b', null, text))),
      value !== null &&
        el(
          'span',
          { class: 'label', 'data-value': value },
          `${words.alertValue} `,
          el('b', null, valueText(value)),
        ),
    ),
    annotations['summary'] !== undefined && el('p', null, annotations['summary']),
    el(
      'div',
      { class: 'line' },
      el('span', { class: 'quiet' }, ...times(since, endedAt, now, words)),
      acknowledged !== null &&
        el(
          'span',
          { class: 'quiet', 'data-acknowledged': acknowledged.by },
          `✓ ${words.alertSeen(acknowledged.by, acknowledged.reason)}, ${formatTime(new Date(acknowledged.at), now)}`,
        ),
      state === 'firing' &&
        acknowledged === null &&
        button('acknowledge', alert, words.alertAck, words.alertAckOf(name)),
      filter !== null &&
        el(
          'a',
          {
            href: routeTo('logs', { filter, range: rangeFor(condition, since, now) }),
            'aria-label': words.alertRecordsOf(name),
            'data-samples': filter,
          },
          words.alertRecords,
        ),
    ),
  )
}

function times(since: string, endedAt: string | null, now: Date, words: Words): Content[] {
  const began = new Date(since)
  const parts: Content[] = [
    words.alertSince(
      formatTime(began, now),
      formatSpan((endedAt === null ? now.getTime() : Date.parse(endedAt)) - began.getTime()),
    ),
  ]
  if (endedAt !== null) {
    const end = new Date(endedAt)
    parts.push(' · ', words.alertEnded(formatTime(end, now), formatSpan(now.getTime() - end.getTime())))
  }
  return parts
}

/** The shortest of the page’s ranges that reaches back to before the alert began. */
function rangeFor(condition: string, since: string, now: Date): string {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 }
  const ms = (text: string): number => {
    const [, count = '', unit = ''] = /^(\d+)(ms|[smhd])$/.exec(text) ?? []
    return Number(count) * (units[unit] ?? Number.NaN)
  }
  const back = now.getTime() - Date.parse(since) + ms(windowOf(condition) ?? '5m')
  return logRanges.find((range) => ms(range) >= back) ?? 'all'
}

/** A page of the manual is a path beside its documents: only addresses become links. */
function runbookOf(url: string, words: Words): Element {
  if (!/^https?:\/\//.test(url)) return el('span', { class: 'quiet' }, `${words.alertRunbook}: ${url}`)
  return el('a', { href: url, rel: 'noopener noreferrer', target: '_blank' }, words.alertRunbook)
}

function button(
  wish: 'acknowledge' | 'silence',
  { fingerprint, name }: AlertReport,
  text: string,
  label: string,
  labels?: Readonly<Record<string, string>>,
): Element {
  return el(
    'button',
    {
      type: 'button',
      class: 'small',
      'data-alert-wish': wish,
      'data-alert-name': name,
      'data-fingerprint': fingerprint,
      'data-labels': labels === undefined ? undefined : JSON.stringify(labels),
      'aria-label': label,
    },
    text,
  )
}

/** A value to four digits: what it was compared with is no more exact. */
function valueText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}
