import { el } from './element.ts'
import type { Content, Element } from './element.ts'

/**
 * A table. On a phone the style sheet shows each row as a card, which would take the table’s meaning away from screen
 * readers: the roles say it again.
 */
export function table(caption: string, titles: readonly string[], rows: readonly Element[]): Element {
  const heads = titles.map((title, index) =>
    el('th', { scope: 'col', role: 'columnheader', class: index === 0 ? '' : 'value' }, title),
  )
  return el(
    'table',
    { role: 'table' },
    el('caption', { class: 'unseen' }, caption),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, heads)),
    el('tbody', { role: 'rowgroup' }, rows),
  )
}

/** A row; the first cell is its head, and each knows its column’s title. */
export function row(
  attributes: Record<string, string>,
  titles: readonly string[],
  cells: readonly Content[],
): Element {
  const [first, ...others] = cells
  return el(
    'tr',
    { role: 'row', ...attributes },
    el('th', { scope: 'row', role: 'rowheader' }, first ?? null),
    others.map((cell, index) => {
      const title = titles[index + 1] ?? ''
      return el(
        'td',
        { role: 'cell', 'data-title': title, class: typeof cell === 'string' ? 'value' : '' },
        cell,
      )
    }),
  )
}

/** A part of the page with a title of its own. */
export function section(id: string, title: string, content: Content): Element {
  return el(
    'section',
    { 'data-key': id, id, 'aria-labelledby': `${id}-title` },
    el('h2', { id: `${id}-title` }, title),
    content,
  )
}
