import type { AlertRuleReport, AlertsReport, ReceiverReport, SilenceReport } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import { badge } from './failover-view.ts'
import { formatNumber, formatSpan, formatTime } from './format.ts'
import type { Tone } from './labels.ts'
import { row, section, table } from './table.ts'
import type { Words } from './words.ts'

/** Silences that have ended are shown for a while, the newest of them. */
const endedMax = 5
const rulesMax = 300

/** Silences, channels and rules. */
export function alertTables(report: AlertsReport, now: Date, words: Words): Element[] {
  return [
    silences(report.silences, now, words),
    receivers(report.receivers, words),
    rules(report.rules, words),
  ]
}

function silences(all: readonly SilenceReport[], now: Date, words: Words): Element {
  const titles = [
    words.silenceMatchers,
    words.state,
    words.silenceUntil,
    words.silenceBy,
    words.silenceReason,
    '',
  ]
  const holding = all.filter(({ state }) => state !== 'expired')
  const ended = all
    .filter(({ state }) => state === 'expired')
    .toSorted((one, other) => other.endsAt.localeCompare(one.endsAt))
  const shown = [...holding, ...ended.slice(0, endedMax)]
  return section('silences', words.silences, [
    el(
      'p',
      { class: 'line' },
      el('button', { type: 'button', 'data-alert-wish': 'silence' }, words.alertSilenceNew),
      el('span', { class: 'quiet' }, words.silencesShared),
    ),
    shown.length === 0
      ? el('p', { 'data-key': 'none' }, words.silencesNone)
      : el(
          'div',
          { class: 'service', 'data-key': 'list' },
          table(
            words.silences,
            titles,
            shown.map((silence) => silenceRow(silence, titles, now, words)),
          ),
        ),
  ])
}

function silenceRow(silence: SilenceReport, titles: readonly string[], now: Date, words: Words): Element {
  const { id, matchers, endsAt, by, reason, state } = silence
  const tone: Tone = state === 'active' ? 'warn' : 'plain'
  const until = formatTime(new Date(endsAt), now)
  return row({ 'data-key': id, 'data-silence': state }, titles, [
    matchers.map((matcher) => el('code', { class: 'matcher' }, matcher)),
    badge(tone, words.silenceStates[state]),
    until,
    by,
    el('span', null, reason),
    state !== 'expired' &&
      el(
        'button',
        {
          type: 'button',
          class: 'small',
          'data-silence-end': id,
          'aria-label': words.silenceEndOf(matchers.join(', ')),
        },
        words.silenceEnd,
      ),
  ])
}

function receivers(all: readonly ReceiverReport[], words: Words): Element {
  const titles = [
    words.receiver,
    words.receiverKind,
    words.state,
    words.receiverDelivered,
    words.receiverWaiting,
    words.receiverRetried,
    words.receiverFailed,
    words.receiverProblem,
  ]
  return section('receivers', words.receivers, [
    all.length === 0
      ? el('p', { 'data-key': 'none' }, words.receiversNone)
      : el(
          'div',
          { class: 'service', 'data-key': 'list' },
          table(
            words.receivers,
            titles,
            all.map(({ name, kind, delivered, waiting, oldestMs, retried, failed, problem }) =>
              row({ 'data-key': name, 'data-receiver': name }, titles, [
                name,
                kind,
                problem === '' ? badge('good', words.receiverFine) : badge('bad', words.receiverAway),
                formatNumber(delivered),
                [
                  formatNumber(waiting),
                  oldestMs !== null &&
                    el('div', { class: 'quiet' }, words.receiverOldest(formatSpan(oldestMs))),
                ],
                formatNumber(retried),
                failed > 0 ? el('b', { class: 'bad-number' }, formatNumber(failed)) : '0',
                el('span', { class: 'why' }, problem),
              ]),
            ),
          ),
        ),
  ])
}

function rules(all: readonly AlertRuleReport[], words: Words): Element {
  const titles = [words.rule, words.severity, words.state, words.alertCondition, words.ruleNotify]
  const failing = all.filter(({ problem }) => problem !== '').length
  const tones: { readonly [state in AlertRuleReport['state']]: Tone } = {
    ok: 'good',
    pending: 'warn',
    firing: 'bad',
  }
  return section('rules', words.rules, [
    el(
      'details',
      { 'data-key': 'rules' },
      el('summary', null, words.rulesShow(all.length, failing)),
      el(
        'div',
        { class: 'service' },
        table(
          words.rules,
          titles,
          all
            .slice(0, rulesMax)
            .map(({ name, severity, state, condition, notify, problem, builtIn }) =>
              row({ 'data-key': name, 'data-rule': name }, titles, [
                [name, builtIn && el('div', { class: 'quiet' }, words.ruleBuiltIn)],
                el('span', { class: `severity ${severity}` }, severity),
                problem === ''
                  ? badge(tones[state], words.ruleStates[state])
                  : badge('bad', words.ruleFailing),
                [el('code', null, condition), problem !== '' && el('div', { class: 'why' }, problem)],
                el('span', null, notify.length === 0 ? '–' : notify.join(', ')),
              ]),
            ),
        ),
      ),
    ),
  ])
}
