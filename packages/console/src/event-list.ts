import type { BudaoEvent } from '@budao/model'
import { el } from './element.ts'
import type { Element } from './element.ts'
import { formatSpan, formatTime } from './format.ts'
import { pill } from './labels.ts'
import type { Words } from './words.ts'

const shownMax = 50

/** Events, newest first, each with the numbers that led to it. */
export function eventList(
  events: readonly BudaoEvent[],
  now: Date,
  words: Words,
  { id, title }: { readonly id: string; readonly title: string } = { id: 'events', title: words.events },
): Element {
  const newest = events.slice(-shownMax).toReversed()
  return el(
    'section',
    { 'data-key': id, id, 'aria-labelledby': `${id}-title` },
    el('h2', { id: `${id}-title` }, title),
    newest.length === 0
      ? el('p', { 'data-key': 'none' }, words.noEvents)
      : el(
          'ol',
          { class: 'events', 'data-key': 'list' },
          newest.map((event) => item(event, now, words)),
        ),
  )
}

function item(event: BudaoEvent, now: Date, words: Words): Element {
  const at = new Date(event.at)
  const evidence = Object.entries(event.evidence ?? {}).map(([name, value]) =>
    el('span', { class: 'evidence' }, `${name} `, el('b', null, shortValue(value))),
  )
  return el(
    'li',
    { 'data-key': `${event.seq}`, 'data-event': event.kind },
    el(
      'div',
      { class: 'when' },
      el('time', { datetime: event.at }, formatTime(at, now)),
      el('span', { class: 'quiet' }, words.ago(formatSpan(now.getTime() - at.getTime()))),
    ),
    el(
      'div',
      { class: 'what' },
      el(
        'div',
        { class: 'line' },
        pill(event.severity, words),
        el('strong', null, words.kinds[event.kind] ?? event.kind),
      ),
      el('p', null, event.message),
      evidence.length > 0 && el('p', { class: 'evidences' }, evidence),
    ),
  )
}

/** Sixteen digits of a percentile say no more than four. */
function shortValue(value: unknown): string {
  const long = typeof value === 'number' && !Number.isInteger(value)
  return String(long ? Number(value.toPrecision(4)) : value)
}
