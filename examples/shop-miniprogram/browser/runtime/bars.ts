import type { AppConfig } from './program.ts'

/** The bars above and below the pages, as WeChat itself draws them. */
export class Bars {
  readonly #title: HTMLElement = byId('title')
  readonly #back: HTMLElement = byId('back')
  readonly #tabs: HTMLElement = byId('tabs')
  readonly #items: readonly HTMLElement[]
  readonly #paths: readonly string[]

  constructor({ tabBar }: AppConfig, onBack: () => void, onTab: (path: string) => void) {
    this.#back.addEventListener('click', onBack)
    this.#paths = tabBar.list.map(({ pagePath }) => pagePath)
    this.#tabs.style.setProperty('--color', tabBar.color)
    this.#tabs.style.setProperty('--selected', tabBar.selectedColor)
    this.#items = tabBar.list.map(({ pagePath, text }) => {
      const item = document.createElement('button')
      item.dataset['tab'] = pagePath
      item.append(Object.assign(document.createElement('span'), { textContent: text }))
      item.addEventListener('click', () => onTab(pagePath))
      this.#tabs.append(item)
      return item
    })
  }

  /** For the page that is on top now. */
  show(path: string, title: string, mayGoBack: boolean): void {
    this.title(title)
    this.#back.hidden = !mayGoBack
    this.#tabs.hidden = !this.#paths.includes(path)
    for (const item of this.#items) item.toggleAttribute('aria-current', item.dataset['tab'] === path)
  }

  title(text: string): void {
    this.#title.textContent = text
  }

  tabText(index: number, text: string): void {
    const item = this.#items[index]
    if (item !== undefined) item.querySelector('span')!.textContent = text
  }

  /** Empty: none. */
  tabBadge(index: number, text: string): void {
    const label = this.#items[index]?.querySelector('span')
    if (label === null || label === undefined) return
    if (text === '') delete label.dataset['badge']
    else label.dataset['badge'] = text
  }
}

export function byId(id: string): HTMLElement {
  return document.getElementById(id)!
}
