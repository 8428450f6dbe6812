import { el } from './element.ts'
import type { Element } from './element.ts'
import { pages, routeTo } from './page-route.ts'
import type { PageName } from './page-route.ts'
import type { Words } from './words.ts'

/** The links between the pages; `firing`: alerts that fire and nobody has silenced; `releasing`: releases on their way. */
export function navigation(current: PageName, firing: number, releasing: number, words: Words): Element[] {
  return pages.map((page) =>
    el(
      'a',
      { href: routeTo(page), 'aria-current': page === current ? 'page' : undefined, 'data-page': page },
      words.pages[page],
      page === 'alerts' && count('data-firing', firing, words.alertsFiring(firing)),
      page === 'releases' && count('data-releasing', releasing, words.releasesUnder(releasing)),
    ),
  )
}

function count(name: string, number: number, text: string): Element | false {
  if (number === 0) return false
  const tone = name === 'data-firing' ? 'count' : 'count calm'
  return el(
    'span',
    { class: tone, [name]: number },
    el('span', { 'aria-hidden': 'true' }, String(number)),
    el('span', { class: 'unseen' }, ` ${text}`),
  )
}
