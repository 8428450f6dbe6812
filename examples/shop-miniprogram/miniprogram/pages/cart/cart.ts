import { artOf } from '../../art'
import { countOf, setQuantity, totalOf, watchCart } from '../../cart'
import type { CartLine } from '../../cart'
import { price } from '../../format'
import { texts } from '../../texts'

type Row = CartLine & { picture: string; yuan: string; rest: string }

Page({
  data: { t: texts, lines: [] as Row[], total: price(0), checkoutText: '' },
  stopWatching() {},

  onLoad() {
    void wx.setNavigationBarTitle({ title: texts.tabs[1]! })
    this.stopWatching = watchCart((lines) =>
      this.setData({
        lines: lines.map((line) => ({
          ...line,
          ...price(line.priceFen),
          picture: artOf(line.category, line.productId),
        })),
        total: price(totalOf(lines)),
        checkoutText: texts.checkout(countOf(lines)),
      }),
    )
  },
  onUnload() {
    this.stopWatching()
  },
  onStep({ currentTarget }: WechatMiniprogram.TouchEvent) {
    const { id, to } = currentTarget.dataset as { id: number; to: number }
    setQuantity(id, to)
  },
  toCheckout() {
    void wx.navigateTo({ url: '/pages/checkout/checkout' })
  },
  toShop() {
    void wx.switchTab({ url: '/pages/shop/shop' })
  },
})
