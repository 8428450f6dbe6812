import type { AssociatedBackend, CodeSpace, Root } from 'glass-easel-miniprogram-adapter'
import { byId, type Bars } from './bars.ts'
import type { PageConfig, Program } from './program.ts'
import { PullDown } from './pull-down.ts'
import { WxError } from './wx/settle.ts'

export type Query = Readonly<Record<string, string>>

/** What a page may bring with it. */
export interface PageInstance {
  route?: string
  options?: Query
  onLoad?(query: Query): void
  onShow?(): void
  onReady?(): void
  onHide?(): void
  onUnload?(): void
  onPullDownRefresh?(): void
  onReachBottom?(): void
}

/** One page that is open, with its place on the screen. */
interface Layer {
  readonly path: string
  readonly root: Root
  readonly page: PageInstance
  readonly element: HTMLElement
  readonly pullDown: PullDown
  title: string
}

/** WeChat's own limit. */
const pagesMax = 10
const reachBottomPx = 50

/** The pages that lie one upon the other, of which the top one is seen. Those of the tab bar stay open once they were. */
export class PageStack {
  readonly #program: Program
  readonly #space: CodeSpace
  readonly #backend: AssociatedBackend
  readonly #bars: Bars
  readonly #tabs: Map<string, Layer> = new Map()
  #layers: Layer[] = []

  constructor(program: Program, space: CodeSpace, backend: AssociatedBackend, bars: Bars) {
    this.#program = program
    this.#space = space
    this.#backend = backend
    this.#bars = bars
  }

  get pages(): PageInstance[] {
    return this.#layers.map(({ page }) => page)
  }

  get top(): PageInstance | undefined {
    return this.#layers.at(-1)?.page
  }

  navigateTo(url: string): void {
    const { path, query } = this.#parse(url)
    if (this.#isTab(path)) throw new WxError('can not navigateTo a tabbar page')
    if (this.#layers.length >= pagesMax) throw new WxError(`webview count limit exceed: ${pagesMax}`)
    this.#hideTop()
    this.#push(this.#create(path, query), query)
  }

  redirectTo(url: string): void {
    const { path, query } = this.#parse(url)
    if (this.#isTab(path)) throw new WxError('can not redirectTo a tabbar page')
    this.#close(1)
    this.#push(this.#create(path, query), query)
  }

  switchTab(url: string): void {
    const { path } = this.#parse(url)
    if (!this.#isTab(path)) throw new WxError('can not switch to no-tabBar page')
    if (this.#layers.length === 1 && this.#layers[0]!.path === path) return
    this.#close(this.#layers.length)
    const known = this.#tabs.get(path)
    if (known === undefined) return this.#push(this.#create(path, {}), {})
    this.#layers.push(known)
    this.#showTop()
  }

  reLaunch(url: string): void {
    const { path, query } = this.#parse(url)
    this.#close(this.#layers.length)
    for (const layer of this.#tabs.values()) this.#destroy(layer)
    this.#tabs.clear()
    this.#push(this.#create(path, query), query)
  }

  navigateBack(delta = 1): void {
    if (this.#layers.length < 2) throw new WxError('cannot navigate back at first page')
    this.#close(Math.min(delta, this.#layers.length - 1))
    this.#showTop()
  }

  title(text: string): void {
    const top = this.#layers.at(-1)!
    top.title = text
    this.#bars.title(text)
  }

  startPullDown(): void {
    this.#layers.at(-1)?.pullDown.start()
  }

  stopPullDown(): void {
    for (const { pullDown } of this.#layers) pullDown.stop()
  }

  #parse(url: string): { path: string; query: Query } {
    const base = this.#layers.at(-1)?.path ?? ''
    const { pathname, searchParams } = new URL(url, `http://mini.program/${base}`)
    const path = pathname.slice(1)
    if (!this.#program.config.pages.includes(path)) throw new WxError(`page "${path}" is not found`)
    return { path, query: Object.fromEntries(searchParams) }
  }

  #isTab(path: string): boolean {
    return this.#program.config.tabBar.list.some(({ pagePath }) => pagePath === path)
  }

  #create(path: string, query: Query): Layer {
    const element = document.createElement('div')
    element.dataset['page'] = path
    const placeholder = element.appendChild(document.createElement('div'))
    byId('pages').append(element)
    const root = this.#backend.createRoot('wx-page', this.#space, path)
    const page = root.get() as unknown as PageInstance
    page.route = path
    page.options = query
    root.attach(element as never, placeholder as never)
    const config = this.#configOf(path)
    const scroller = element.querySelector('wx-page') as HTMLElement
    const pullDown = new PullDown(scroller, config.enablePullDownRefresh === true, () =>
      page.onPullDownRefresh?.(),
    )
    watchBottom(scroller, () => page.onReachBottom?.())
    return { path, root, page, element, pullDown, title: config.navigationBarTitleText ?? '' }
  }

  #configOf(path: string): PageConfig {
    const { config } = this.#program.definitions.find((definition) => definition.path === path)!
    return { ...this.#program.config.window, ...config }
  }

  #push(layer: Layer, query: Query): void {
    this.#layers.push(layer)
    if (this.#isTab(layer.path)) this.#tabs.set(layer.path, layer)
    layer.page.onLoad?.(query)
    this.#showTop()
    requestAnimationFrame(() => layer.page.onReady?.())
  }

  #showTop(): void {
    const { path, title, element, root, page } = this.#layers.at(-1)!
    element.hidden = false
    this.#bars.show(path, title, this.#layers.length > 1)
    root.getComponent().triggerPageLifetime('show', [])
    page.onShow?.()
  }

  #hideTop(): void {
    const top = this.#layers.at(-1)
    if (top === undefined) return
    top.element.hidden = true
    top.root.getComponent().triggerPageLifetime('hide', [])
    top.page.onHide?.()
  }

  /** Takes so many pages from the top. Those of the tab bar are only hidden. */
  #close(count: number): void {
    for (let left = count; left > 0 && this.#layers.length > 0; left--) {
      const isSeen = left === count
      const layer = this.#layers.at(-1)!
      if (this.#tabs.get(layer.path) === layer) {
        if (isSeen) this.#hideTop()
      } else this.#destroy(layer)
      this.#layers.pop()
    }
  }

  #destroy({ page, root, element }: Layer): void {
    page.onUnload?.()
    root.release()
    element.remove()
  }
}

/** Tells once each time the end of the page comes near. */
function watchBottom(element: HTMLElement, onBottom: () => void): void {
  let toldAt = 0
  element.addEventListener('scroll', () => {
    const { scrollTop, clientHeight, scrollHeight } = element
    if (scrollTop + clientHeight < scrollHeight - reachBottomPx || toldAt === scrollHeight) return
    toldAt = scrollHeight
    onBottom()
  })
}
