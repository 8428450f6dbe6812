import { el } from './element.ts'
import type { Element } from './element.ts'
import { pages, routeTo } from './page-route.ts'
import type { PageName } from './page-route.ts'
import type { Words } from './words.ts'

/** The links between the pages; `firing`: alerts that fire and nobody has silenced. */
export function navigation(current: PageName, firing: number, words: Words): Element[] {
  return pages.map((page) =>
    el(
      'a',
      { href: routeTo(page), 'aria-current': page === current ? 'page' : undefined, 'data-page': page },
      words.pages[page],
      page === 'alerts' &&
        firing > 0 &&
        el(
          'span',
          { class: 'count', 'data-firing': firing },
          el('span', { 'aria-hidden': 'true' }, String(firing)),
          el('span', { class: 'unseen' }, ` ${words.alertsFiring(firing)}`),
        ),
    ),
  )
}
