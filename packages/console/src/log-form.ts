import { part } from './dialogs.ts'
import { conditionOf, withCondition, withLevel } from './log-condition.ts'
import { recordOf } from './log-view.ts'
import type { LogPage } from './log-page.ts'
import { localMoment, logRanges, readSearch, searchQuery } from './log-search.ts'
import type { LogSearch } from './log-search.ts'
import { routeTo } from './page-route.ts'
import type { Words } from './words.ts'

/** The form above the records, and what is pressed among them. A search is an address: the way back works. */
export class LogForm {
  readonly #page: LogPage
  readonly #form = part('log-search') as HTMLFormElement
  readonly #filter = part('log-filter') as HTMLInputElement
  readonly #range = part('log-range') as HTMLSelectElement
  readonly #from = part('log-from') as HTMLInputElement
  readonly #to = part('log-to') as HTMLInputElement

  constructor(page: LogPage) {
    this.#page = page
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#go(this.#written())
    })
    this.#range.addEventListener('change', () => {
      this.#showTimes()
      if (this.#range.value !== 'between') this.#go(this.#written())
      else this.#from.focus()
    })
    part('log-follow').addEventListener('click', () => page.toggleFollow())
    part('view').addEventListener('click', ({ target }) => this.#pressed(target))
  }

  /** Shows what is looked for, and whether more comes by itself. */
  show(words: Words): void {
    const { state } = this.#page
    this.#form.hidden = state === null || state.status === 'off'
    if (state === null) return
    const button = part('log-follow')
    button.setAttribute('aria-pressed', state.follow === null ? 'false' : 'true')
    button.textContent = state.follow === null ? words.logFollow : words.logStop
    this.#filter.setAttribute('aria-invalid', state.status === 'refused' ? 'true' : 'false')
  }

  /** The page was opened with a search. */
  open(query: Readonly<Record<string, string>>): void {
    const search = readSearch(query)
    this.#filter.value = search.filter
    this.#range.value = search.range
    this.#from.value = search.from
    this.#to.value = search.to
    this.#showTimes()
    this.#page.open(search)
  }

  #written(): LogSearch {
    const range = logRanges.find((name) => name === this.#range.value) ?? '1h'
    return { filter: this.#filter.value.trim(), range, from: this.#from.value, to: this.#to.value }
  }

  #showTimes(): void {
    for (const field of this.#form.querySelectorAll<HTMLElement>('[data-between]'))
      field.hidden = this.#range.value !== 'between'
  }

  #go(search: LogSearch): void {
    const address = routeTo('logs', searchQuery(search))
    // The same once more is asked anew: time has gone on.
    if (location.hash === address) this.open(searchQuery(search))
    else location.hash = address
  }

  #pressed(target: EventTarget | null): void {
    const { state } = this.#page
    const pressed = target instanceof Element ? target.closest<HTMLElement>('button, [data-bar-from]') : null
    if (state === null || pressed === null) return
    const { logField, logValue, logWithout, logLevel, logRecord, logPage, barFrom, barTo } = pressed.dataset
    const { search } = state
    if (logLevel !== undefined)
      this.#go({ ...search, filter: withLevel(search.filter, `log.level:${logLevel}`) })
    if (logField !== undefined) {
      const condition = conditionOf(logField, logValue ?? '', logWithout !== undefined)
      this.#go({ ...search, filter: withCondition(search.filter, condition) })
    }
    const record = logRecord === undefined ? undefined : recordOf(state, logRecord)
    if (record !== undefined) this.#page.toggleRecord(record)
    if (logPage === 'older') this.#page.showOlder()
    if (logPage === 'newest') this.#page.open(search)
    if (barFrom !== undefined && barTo !== undefined) {
      const [from, to] = [Math.floor(Number(barFrom) / 1_000) * 1_000, Number(barTo)]
      this.#go({
        ...search,
        range: 'between',
        from: localMoment(from),
        to: localMoment(Math.max(to, from + 1_000)),
      })
    }
  }
}
