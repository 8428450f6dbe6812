import type { SeriesReport } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import { formatMs, formatNumber, formatSpan, formatTime } from './format.ts'
import { section } from './table.ts'
import type { Words } from './words.ts'

type Values = readonly (number | null)[]

const width = 600
const height = 80
/** Lines that can be told apart by colour and dashes. */
const linesMax = 6

/** Requests, failures and latency of each site over the last minutes; nothing before there are two points. */
export function siteCharts(series: SeriesReport | null, now: Date, words: Words): Element | null {
  const count = series?.sites[0]?.requestsPerSecond.length ?? 0
  if (series === null || count < 2) return null
  const { sites, stepMs, at } = series
  const shown = sites.slice(0, linesMax)
  const from = new Date(at - (count - 1) * stepMs)
  const rate = (value: number): string => formatNumber(value)
  const charts = [
    { id: 'requests', title: words.seriesRequests, pick: 'requestsPerSecond', format: rate },
    { id: 'failures', title: words.seriesFailures, pick: 'failuresPerSecond', format: rate },
    { id: 'p99', title: words.seriesP99, pick: 'p99Ms', format: formatMs },
  ] as const
  return section('series', words.series(formatSpan((count - 1) * stepMs)), [
    el(
      'div',
      { class: 'charts' },
      charts.map(({ id, title, pick, format }) => {
        const lines = shown.map((site) => ({ name: site.name, values: site[pick] }))
        return chart(id, title, lines, [formatTime(from, now), formatTime(new Date(at), now)], format, words)
      }),
    ),
    sites.length > linesMax && el('p', { class: 'quiet' }, words.seriesMore(sites.length - linesMax)),
  ])
}

/** One chart of lines, told in words too. `top`: where it ends; absent: above what is highest. */
export function chart(
  id: string,
  title: string,
  lines: readonly { readonly name: string; readonly values: Values }[],
  [from, to]: readonly [string, string],
  format: (value: number) => string,
  words: Words,
  top?: number,
): Element {
  const most =
    top ?? roundUp(Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))))
  const told = lines.map(({ name, values }) => inWords(name, values, format, words)).join('; ')
  return el(
    'figure',
    { class: 'card chart', 'data-key': id, 'data-chart': id },
    el(
      'figcaption',
      { class: 'line' },
      el('b', null, title),
      el('span', { class: 'quiet end' }, format(most)),
    ),
    el(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `${title}: ${told}`,
      },
      lines.map(({ name, values }, index) =>
        el('path', { 'data-key': name, class: `series s${index}`, d: pathOf(values, most) }),
      ),
    ),
    el(
      'p',
      { class: 'line quiet' },
      el('time', null, from),
      lines.map(({ name, values }, index) => {
        const last = values.at(-1) ?? null
        return el(
          'span',
          { class: 'legend', 'data-key': name },
          el('svg', { class: 'dash', viewBox: '0 0 18 4', 'aria-hidden': 'true' }, [
            el('path', { class: `series s${index}`, d: 'M0 2H18' }),
          ]),
          `${name} `,
          el('b', null, last === null ? '–' : format(last)),
        )
      }),
      el('time', { class: 'end' }, to),
    ),
  )
}

function inWords(name: string, values: Values, format: (value: number) => string, words: Words): string {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return `${name}: ${words.seriesNone}`
  const last = values.at(-1) ?? null
  const now = last === null ? words.seriesNone : format(last)
  return words.seriesNow(name, now, format(Math.min(...known)), format(Math.max(...known)))
}

/** A line with a gap wherever nothing is known. */
export function pathOf(values: Values, most: number): string {
  const step = width / Math.max(1, values.length - 1)
  let path = ''
  let drawing = false
  for (const [index, value] of values.entries()) {
    if (value !== null) {
      const y = height - 1 - (value / most) * (height - 2)
      path += `${drawing ? 'L' : 'M'}${round(index * step)} ${round(y)}`
      // One point between two gaps is a dot, not nothing.
      if (!drawing && (values[index + 1] ?? null) === null) path += 'h0.1'
    }
    drawing = value !== null
  }
  return path
}

/** The next of 1, 2, 5, 10, …: the top of a chart that does not change with every point. */
export function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((each) => each * power >= value) ?? 10) * power
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
