import type { LogsTally, TallyLevel } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import { formatNumber, formatSpan, formatTime } from './format.ts'
import type { Words } from './words.ts'

/** The gravest first: it stands at the foot of a bar, where it is seen however small it is. */
export const levels: readonly TallyLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'none']

const height = 64
const barWidth = 10
/** What is there is to be seen. */
const heightMin = 2

/** Records by level over time; each bar is a button for the mouse that shows only its time. */
export function logBars(tally: LogsTally, now: Date, words: Words): Element {
  const { from, stepMs, total, complete } = tally
  const there = levels.filter((level) => tally.levels[level] !== undefined)
  const count = there.length === 0 ? 60 : tally.levels[there[0]!]!.length
  const sums = Array.from({ length: count }, (_, bar) =>
    there.reduce((sum, level) => sum + tally.levels[level]![bar]!, 0),
  )
  const most = Math.max(1, ...sums)
  const time = (bar: number): string => formatTime(new Date(from + bar * stepMs), now)
  const summary = there
    .map((level) => `${words.logLevels[level]} ${formatNumber(sumOf(tally.levels[level]!))}`)
    .join(', ')
  return el(
    'figure',
    { class: 'bars', 'data-key': 'bars', 'data-total': total },
    el(
      'svg',
      {
        viewBox: `0 0 ${count * barWidth} ${height}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': words.logBars(total, time(0), time(count), summary),
      },
      sums.map((sum, bar) =>
        el(
          'g',
          { 'data-bar-from': from + bar * stepMs, 'data-bar-to': from + (bar + 1) * stepMs },
          el('title', null, barText(tally, there, bar, time(bar), words)),
          el('rect', { class: 'hit', x: bar * barWidth, y: 0, width: barWidth, height }),
          sum > 0 && stack(tally, there, bar, most),
        ),
      ),
    ),
    el(
      'figcaption',
      { class: 'line' },
      el('time', null, time(0)),
      there.map((level) => legend(level, sumOf(tally.levels[level]!), words)),
      el('span', { class: 'quiet' }, words.logBarMost(Math.max(0, ...sums), formatSpan(stepMs))),
      el('time', { class: 'end' }, time(count)),
    ),
    !complete && el('p', { class: 'warning' }, `▲ ${words.logBarsCut}`),
  )
}

function stack(tally: LogsTally, there: readonly TallyLevel[], bar: number, most: number): Element[] {
  let bottom = height
  return there.flatMap((level) => {
    const value = tally.levels[level]![bar]!
    if (value === 0) return []
    const tall = Math.max(heightMin, (value / most) * (height - there.length * heightMin))
    bottom -= tall
    return el('rect', {
      class: `level ${level}`,
      x: bar * barWidth + 1,
      y: round(bottom),
      width: barWidth - 2,
      height: round(tall),
    })
  })
}

function legend(level: TallyLevel, sum: number, words: Words): Element {
  const name = words.logLevels[level]!
  const text = [
    el('span', { class: `key ${level}`, 'aria-hidden': 'true' }),
    `${name} `,
    el('b', null, formatNumber(sum)),
  ]
  if (level === 'none') return el('span', { class: 'legend' }, text)
  return el(
    'button',
    {
      type: 'button',
      class: 'small legend',
      'data-log-level': level,
      'aria-label': `${words.logLevelOnly(name)} (${formatNumber(sum)})`,
    },
    text,
  )
}

function barText(
  tally: LogsTally,
  there: readonly TallyLevel[],
  bar: number,
  time: string,
  words: Words,
): string {
  const counts = there
    .filter((level) => tally.levels[level]![bar]! > 0)
    .map((level) => `${words.logLevels[level]} ${formatNumber(tally.levels[level]![bar]!)}`)
  return `${time}\n${counts.length === 0 ? '0' : counts.join('\n')}`
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, value) => sum + value, 0)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
