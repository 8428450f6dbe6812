import { signIn } from './api'
import { followOrders, loadPurchases } from './purchases'
import { loadCart } from './cart'
import { texts } from './texts'

App({
  onLaunch() {
    texts.tabs.forEach((text, index) => void wx.setTabBarItem({ index, text }))
    followOrders()
    void loadCart()
    // What an earlier run left in the queue leaves as soon as it is known whose it is.
    void loadPurchases().then(signIn)
  },
})
