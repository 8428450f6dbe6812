import type { CurrentDrillReport, DrillsReport, PastDrillReport, ScheduledDrillReport } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import { badge } from './failover-view.ts'
import { formatTime } from './format.ts'
import type { Tone } from './labels.ts'
import { row, section, table } from './table.ts'
import type { Words } from './words.ts'

const shown = 8

const tones: Readonly<Record<string, Tone>> = {
  passed: 'good',
  failed: 'bad',
  aborted: 'bad',
  refused: 'warn',
}

/** Drills: the one that runs, those that were run, and the button that begins one. */
export function drills(report: DrillsReport | null, now: Date, words: Words): Element | null {
  if (report === null) return null
  const { current, open, drills: past, schedule } = report
  const left = open !== null && !open.running ? [badge('bad', words.drillOpenLeft(open.id))] : []
  return section('drills', words.drills, [
    el(
      'p',
      { class: 'line' },
      left,
      el('button', { type: 'button', 'data-drill': 'start' }, words.drillStart),
    ),
    current === null ? null : currentDrill(current, words),
    past.length === 0 && schedule.length === 0
      ? el('p', null, words.drillNone)
      : el('div', { class: 'service' }, list(past, schedule, now, words)),
  ])
}

function currentDrill(
  { scenario, site, by, progress, outcome, about }: CurrentDrillReport,
  words: Words,
): Element {
  const verdict = outcome === null ? '' : (words.drillVerdicts[outcome] ?? outcome)
  return el(
    'div',
    { class: 'service', 'data-key': 'current', 'data-outcome': outcome ?? '' },
    el(
      'p',
      { class: 'line' },
      outcome === null
        ? badge('warn', words.drillRuns(scenario, site, by))
        : badge(tones[outcome] ?? 'plain', words.drillDone(scenario, site, verdict)),
      outcome === null
        ? el('button', { type: 'button', 'data-drill': 'abort' }, words.drillAbort)
        : outcome === 'refused'
          ? el('span', null, about ?? '')
          : reportLink(about ?? '', words),
    ),
    el('pre', { class: 'progress' }, progress.slice(-6).join('\n')),
  )
}

function list(
  past: readonly PastDrillReport[],
  schedule: readonly ScheduledDrillReport[],
  now: Date,
  words: Words,
): Element {
  const titles = [
    words.drillScenario,
    words.drillSite,
    words.drillWhen,
    words.drillVerdict,
    words.drillReport,
  ]
  return table(words.drills, titles, [
    ...schedule.map(({ name, scenario, site, nextLocal }) =>
      row({ 'data-key': `next-${name}` }, titles, [
        el('b', null, name),
        site,
        `${words.drillNext}: ${nextLocal ?? '–'}`,
        scenario,
        '',
      ]),
    ),
    ...past
      .slice(0, shown)
      .map(({ id, scenario, site, at, verdict }) =>
        row({ 'data-key': id }, titles, [
          el('b', null, scenario),
          site,
          formatTime(new Date(at), now),
          badge(tones[verdict] ?? 'warn', words.drillVerdicts[verdict] ?? verdict),
          verdict === 'broken off' ? '–' : reportLink(id, words),
        ]),
      ),
  ])
}

/** A page of its own, asked for with the token of this one. */
function reportLink(id: string, words: Words): Element {
  return el('button', { type: 'button', 'data-drill-report': id }, words.drillReport)
}
