import { watchAnswering } from '../../answering'
import { addToCart } from '../../cart'
import { loadProducts } from '../../catalogue'
import type { ProductCard } from '../../catalogue'
import { texts } from '../../texts'

const categories = Object.entries(texts.categories).map(([id, name]) => ({
  id: id === 'all' ? '' : id,
  name,
}))
/** Between the last letter and the search for it. */
const typingMs = 400

Page({
  data: {
    t: texts,
    categories,
    category: '',
    search: '',
    state: 'loading' as 'loading' | 'ready' | 'failed',
    products: [] as ProductCard[],
    more: false,
    staleSince: 0,
  },
  page: 0,
  /** Counts lists asked for: an answer that comes behind a newer question is dropped. */
  asked: 0,
  typing: 0,

  onLoad() {
    void wx.setNavigationBarTitle({ title: texts.shop })
    // Here and not at the launch: there is no tab bar before its first page.
    texts.tabs.forEach((text, index) => wx.setTabBarItem({ index, text, fail: () => {} }))
    void this.start(false)
    // Nothing is asked for again and again: only when somebody may answer once more.
    this.stopWatching = watchAnswering(({ state }) => {
      if (this.isOld() && (state === 'connecting' || state === 'answered')) void this.start(true)
    })
  },
  onUnload() {
    this.stopWatching()
  },
  /** What is old is looked at again whenever somebody looks at it. */
  onShow() {
    if (this.isOld()) void this.start(true)
  },
  isOld(): boolean {
    return this.data.state === 'failed' || this.data.staleSince > 0
  },
  stopWatching() {},
  async onPullDownRefresh() {
    await this.start(true)
    void wx.stopPullDownRefresh()
  },
  onReachBottom() {
    if (this.data.more) void this.loadPage(this.page + 1, false)
  },

  onType({ detail }: WechatMiniprogram.Input) {
    this.setData({ search: detail.value })
    clearTimeout(this.typing)
    this.typing = setTimeout(() => void this.start(false), typingMs)
  },
  onSearch() {
    clearTimeout(this.typing)
    void this.start(false)
  },
  onClear() {
    this.setData({ search: '' })
    this.onSearch()
  },
  onCategory({ currentTarget }: WechatMiniprogram.TouchEvent) {
    this.setData({ category: currentTarget.dataset['id'] as string, state: 'loading' })
    void this.start(false)
  },
  onRetry() {
    this.setData({ state: 'loading' })
    void this.start(true)
  },
  onAdd({ currentTarget }: WechatMiniprogram.TouchEvent) {
    const product = this.data.products.find(({ id }) => id === currentTarget.dataset['id'])
    if (product === undefined || product.stock === 0) return
    addToCart(product)
    void wx.showToast({ title: texts.added })
  },

  /** The first page of what is looked for. `renew`: ask, whatever is kept. */
  start(renew: boolean): Promise<void> {
    this.asked++
    return this.loadPage(1, renew)
  },
  async loadPage(page: number, renew: boolean): Promise<void> {
    const { asked } = this
    const { category, search, products } = this.data
    try {
      const { data, staleSince } = await loadProducts({ category, search: search.trim(), page, renew })
      if (asked !== this.asked) return
      this.page = page
      this.setData({
        state: 'ready',
        products: page === 1 ? [...data.items] : [...products, ...data.items],
        more: page < data.pages,
        staleSince: staleSince ?? 0,
      })
    } catch {
      if (asked === this.asked && page === 1 && !renew) this.setData({ state: 'failed', products: [] })
      else if (asked === this.asked && this.data.state === 'loading') this.setData({ state: 'failed' })
    }
  },
})
