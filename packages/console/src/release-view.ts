import type { RolloutAction, RolloutPhase, RolloutReport } from '@budao/model'
import { el } from './element.ts'
import type { Element, Node } from './element.ts'
import { eventList } from './event-list.ts'
import { badge } from './failover-view.ts'
import { formatNumber, formatSpan, formatTime } from './format.ts'
import type { Tone } from './labels.ts'
import type { ReleasePoint, ReleasesState } from './release-state.ts'
import { chart } from './site-charts.ts'
import { row, section, table } from './table.ts'
import type { Words } from './words.ts'

const tones: Readonly<Record<RolloutPhase, Tone>> = {
  running: 'warn',
  paused: 'warn',
  promoted: 'good',
  aborted: 'bad',
}

/** What may be done in a phase; null: before it was started. */
const actions: Readonly<Record<RolloutPhase | 'none', readonly RolloutAction[]>> = {
  none: ['start'],
  running: ['pause', 'promote', 'abort'],
  paused: ['resume', 'promote', 'abort'],
  promoted: ['start', 'abort'],
  aborted: ['retry'],
}

/** The page of releases: each with its step, verdict, evidence and what may be done, then what happened. */
export function releaseView(
  state: ReleasesState | null,
  answered: boolean,
  now: Date,
  words: Words,
): readonly Node[] {
  if (state === null || state.rollouts.length === 0)
    return answered ? [el('p', { 'data-key': 'none' }, words.releasesNone)] : []
  return [
    section(
      'releases',
      words.releases,
      state.rollouts.map((rollout) => oneRelease(rollout, state.points.get(rollout.name) ?? [], now, words)),
    ),
    ...(state.history === null
      ? []
      : [eventList(state.history, now, words, { id: 'release-events', title: words.releaseHistory })]),
  ]
}

function oneRelease(
  rollout: RolloutReport,
  points: readonly ReleasePoint[],
  now: Date,
  words: Words,
): Element {
  const { name, phase, basisPoints, verdict } = rollout
  return el(
    'div',
    { class: 'service', 'data-key': name, 'data-rollout': name, 'data-phase': phase ?? 'none' },
    el(
      'div',
      { class: 'head line' },
      el('h3', null, name),
      el('span', { class: 'quiet' }, words.releaseOf(rollout.release, rollout.route)),
      phase === null
        ? badge('plain', words.releaseNever)
        : badge(tones[phase] ?? 'plain', words.releasePhases[phase] ?? phase),
      el('b', { class: 'number', 'data-share': basisPoints }, words.releaseShare(basisPoints / 100)),
      el(
        'span',
        { class: 'line end' },
        actions[phase ?? 'none'].map((action) =>
          el(
            'button',
            {
              type: 'button',
              class: 'small',
              'data-key': action,
              'data-release-wish': action,
              'data-release-name': name,
              'aria-label': words.releaseDo(action, name),
            },
            `${words.releaseActions[action]}…`,
          ),
        ),
      ),
    ),
    phase !== null && el('p', { class: 'condition line' }, facts(rollout, now, words)),
    verdict !== null && seen(rollout, words),
    points.length > 1 && charts(rollout.release, points, now, words),
  )
}

function facts(
  { phase, step, steps, stepAt, holder, by, why }: RolloutReport,
  now: Date,
  words: Words,
): Node[] {
  const under = phase === 'running' || phase === 'paused'
  const at = stepAt === null ? null : new Date(stepAt)
  return [
    el('b', null, words.releaseStep(step + 1, steps)),
    el('span', null, why),
    ...(at === null
      ? []
      : [el('span', { class: 'quiet' }, words.ago(formatSpan(Math.max(0, now.getTime() - at.getTime()))))]),
    el('span', { class: 'quiet' }, by),
    ...(!under
      ? []
      : [
          holder === null
            ? badge('bad', words.releaseAlone)
            : el('span', { class: 'quiet' }, words.releaseHolder(holder.split('#')[0]!)),
        ]),
  ]
}

/** The verdict, and what it says it of. */
function seen({ release: name, verdict }: RolloutReport, words: Words): Element[] {
  const { kind, cause, numbers } = verdict!
  const word = kind === 'pass' ? words.releaseVerdicts['pass']! : (words.releaseVerdicts[cause] ?? cause)
  const tone: Tone = kind === 'pass' ? 'good' : kind === 'hold' ? 'warn' : 'bad'
  const number = (key: string): number => numbers[key] ?? 0
  const of = (part: number, whole: number): string =>
    whole === 0 ? '–' : `${formatNumber(part)} (${formatNumber((100 * part) / whole)} %)`
  const titles = [words.releaseSeen, words.releaseRequests, words.releaseErrors, words.releaseSlow]
  const line = (key: 'canary' | 'stable', title: string): Element => {
    const requests = number(`${key}Requests`)
    return row({ 'data-key': key, 'data-seen': key }, titles, [
      title,
      formatNumber(requests),
      of(number(`${key}Errors`), requests),
      of(number(`${key}Slow`), requests),
    ])
  }
  return [
    el(
      'p',
      { class: 'condition line', 'data-verdict': kind, 'data-cause': cause },
      badge(tone, word),
      el('span', { class: 'quiet' }, `${words.releaseEvidence}:`),
      evidence('error', words.releaseErrorEvidence),
      evidence('latency', words.releaseLatencyEvidence),
    ),
    table(words.releaseSeen, titles, [line('canary', name), line('stable', words.releaseStable)]),
  ]

  function evidence(key: 'error' | 'latency', title: string): Element {
    const [value, max] = [number(`${key}Evidence`), number(`${key}EvidenceMax`)]
    return el('span', { 'data-key': key }, `${title} `, el('b', null, words.releaseOfMax(value, max)))
  }
}

function charts(release: string, points: readonly ReleasePoint[], now: Date, words: Words): Element {
  const spanMs = (points.length - 1) * 1_000
  const times = [formatTime(new Date(now.getTime() - spanMs), now), formatTime(now, now)] as const
  const percent = (value: number): string => `${formatNumber(value)} %`
  const of = (pick: keyof ReleasePoint): (number | null)[] => points.map((point) => point[pick])
  return el(
    'div',
    { class: 'charts', 'aria-label': words.releaseSince(formatSpan(spanMs)), role: 'group' },
    chart(
      'evidence',
      words.releaseChartEvidence,
      [
        { name: words.releaseErrorEvidence, values: of('errorEvidencePercent') },
        { name: words.releaseLatencyEvidence, values: of('latencyEvidencePercent') },
      ],
      times,
      percent,
      words,
      100,
    ),
    chart(
      'share',
      words.releaseChartShare,
      [{ name: release, values: of('sharePercent') }],
      times,
      percent,
      words,
      100,
    ),
    chart(
      'errors',
      words.releaseChartErrors,
      [
        { name: release, values: of('canaryErrorsPercent') },
        { name: words.releaseStable, values: of('stableErrorsPercent') },
      ],
      times,
      percent,
      words,
    ),
  )
}
