import { loadCart } from './cart'
import { followOrders } from './purchases'
import { texts } from './texts'

App({
  onLaunch() {
    texts.tabs.forEach((text, index) => void wx.setTabBarItem({ index, text }))
    followOrders()
    void loadCart()
  },
})
