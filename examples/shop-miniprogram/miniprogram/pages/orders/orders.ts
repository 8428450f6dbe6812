import { watchAnswering } from '../../answering'
import { clock, money } from '../../format'
import { siteOf } from '../../order-book'
import type { Purchase } from '../../order-book'
import { renewOrders, watchPurchases } from '../../purchases'
import { siteName, texts } from '../../texts'

interface OrderCard extends Pick<Purchase, 'key' | 'id' | 'items'> {
  readonly when: string
  readonly state: Purchase['state'] | 'kept'
  readonly stateText: string
  readonly number: string
  readonly totalText: string
  readonly reasonText: string
}

Page({
  data: { t: texts, orders: [] as OrderCard[], staleSince: 0, hint: '' },
  purchases: [] as readonly Purchase[],
  /** The site that told its orders last; empty: none did; undefined: not known yet. */
  site: undefined as string | undefined,
  /** Ids of the orders that it told. */
  listed: new Set<string>(),
  isAsking: false,
  stopWatching() {},
  stopWatchingAnswers() {},

  onLoad() {
    void wx.setNavigationBarTitle({ title: texts.tabs[2]! })
    this.stopWatching = watchPurchases((purchases) => {
      this.purchases = purchases
      this.draw()
    })
    // Whoever answers now, or may answer again, has something to say.
    this.stopWatchingAnswers = watchAnswering(({ state, site }) => {
      const mayKnowMore = state === 'connecting' || (state === 'answered' && site !== this.site)
      if (this.site !== undefined && mayKnowMore) void this.renew()
    })
  },
  onShow() {
    void this.renew()
  },
  async onPullDownRefresh() {
    await this.renew()
    void wx.stopPullDownRefresh()
  },
  onUnload() {
    this.stopWatching()
    this.stopWatchingAnswers()
  },
  async renew() {
    if (this.isAsking) return
    this.isAsking = true
    try {
      const { site, staleSince, ids } = await renewOrders()
      this.site = staleSince === null ? site : ''
      this.listed = new Set(staleSince === null ? ids : [])
      this.setData({ staleSince: staleSince ?? 0 })
    } catch {
      // The bar says that nobody answers; what the phone remembers stays, and says that it is a memory.
      this.site = ''
      this.listed = new Set()
    }
    this.isAsking = false
    this.draw()
  },
  /** Only the site that answers can confirm an order now; what it does not know of another one is a memory. */
  draw() {
    const { site, listed } = this
    const orders = this.purchases.map((purchase) => cardOf(purchase, site, listed))
    const away = new Set(orders.filter(({ state }) => state === 'kept').map(({ id }) => siteName(siteOf(id))))
    const hint =
      site === undefined || site === '' || away.size === 0
        ? ''
        : texts.keptWhy(siteName(site), [...away].join('、'))
    this.setData({ orders, hint })
  },
  toShop() {
    void wx.switchTab({ url: '/pages/shop/shop' })
  },
})

function cardOf(
  { key, id, items, at, state, reason, totalFen }: Purchase,
  site: string | undefined,
  listed: ReadonlySet<string>,
): OrderCard {
  const isTold = site === undefined || siteOf(id) === site || listed.has(id)
  const shown = state === 'confirmed' && !isTold ? 'kept' : state
  return {
    key,
    id,
    items,
    when: clock(at, Date.now()),
    state: shown,
    stateText: stateTexts[shown],
    number: `${texts.orderNumber} ${id === '' ? texts.notYet : id}`,
    totalText: money(totalFen),
    reasonText: state === 'refused' ? texts.refusedBecause(reason) : '',
  }
}

const stateTexts: Readonly<Record<OrderCard['state'], string>> = {
  waiting: texts.stateWaiting,
  confirmed: texts.stateConfirmed,
  refused: texts.stateRefused,
  kept: texts.stateKept,
}
