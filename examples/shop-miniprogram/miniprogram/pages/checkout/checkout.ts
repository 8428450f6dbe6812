import { artOf } from '../../art'
import { cartLines, totalOf } from '../../cart'
import { money, price } from '../../format'
import { placeOrder } from '../../purchases'
import { texts } from '../../texts'

Page({
  data: {
    t: texts,
    lines: cartLines().map((line) => ({ ...line, picture: '', sum: '' })),
    total: price(0),
    totalText: '',
    busy: false,
  },

  onLoad() {
    void wx.setNavigationBarTitle({ title: texts.confirmOrder })
    const lines = cartLines()
    this.setData({
      lines: lines.map((line) => ({
        ...line,
        picture: artOf(line.category, line.productId),
        sum: money(line.priceFen * line.quantity),
      })),
      total: price(totalOf(lines)),
      totalText: money(totalOf(lines)),
    })
  },
  async onSubmit() {
    if (this.data.busy) return
    this.setData({ busy: true })
    try {
      const key = await placeOrder(cartLines())
      void wx.redirectTo({ url: `/pages/placed/placed?key=${key}` })
    } catch (error) {
      // The phone's storage is full, or too many orders wait: nothing was taken.
      this.setData({ busy: false })
      void wx.showModal({ title: texts.refused, content: (error as Error).message, showCancel: false })
    }
  },
})
