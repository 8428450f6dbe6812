import { money } from '../../format'
import { siteOf } from '../../order-book'
import type { Purchase } from '../../order-book'
import { watchPurchases } from '../../purchases'
import { siteName, texts } from '../../texts'

/** An order that takes longer than this is called one that waits. */
const patienceMs = 3_000

/** What becomes of an order that was just placed: it changes under the eyes of whoever looks. */
Page({
  data: {
    t: texts,
    state: 'sending',
    sign: '…',
    headline: texts.sending,
    why: texts.sendingWhy,
    totalText: '',
  },
  key: '',
  purchase: undefined as Purchase | undefined,
  patience: 0,
  isLate: false,
  stopWatching() {},

  onLoad({ key = '' }: Record<string, string | undefined>) {
    void wx.setNavigationBarTitle({ title: texts.placed })
    this.key = key
    this.stopWatching = watchPurchases((purchases) => {
      this.purchase = purchases.find((purchase) => purchase.key === key)
      this.draw()
    })
    this.patience = setTimeout(() => {
      this.isLate = true
      this.draw()
    }, patienceMs)
    void wx.getNetworkType({
      success: ({ networkType }) => {
        if (networkType !== 'none') return
        this.isLate = true
        this.draw()
      },
    })
  },
  onUnload() {
    clearTimeout(this.patience)
    this.stopWatching()
  },
  draw() {
    const { purchase } = this
    if (purchase === undefined) return
    const totalText = money(purchase.totalFen)
    switch (purchase.state) {
      case 'waiting':
        if (this.isLate)
          this.setData({
            state: 'waiting',
            sign: '⋯',
            headline: texts.waiting,
            why: texts.waitingWhy,
            totalText,
          })
        else this.setData({ totalText })
        break
      case 'confirmed': {
        const why = texts.confirmedWhy(purchase.id, siteName(siteOf(purchase.id)))
        this.setData({ state: 'confirmed', sign: '✓', headline: texts.confirmed, why, totalText })
        break
      }
      case 'refused': {
        const why = texts.refusedBecause(purchase.reason)
        this.setData({ state: 'refused', sign: '!', headline: texts.refused, why, totalText })
        break
      }
    }
  },
  toOrders() {
    void wx.switchTab({ url: '/pages/orders/orders' })
  },
  toShop() {
    void wx.switchTab({ url: '/pages/shop/shop' })
  },
})
