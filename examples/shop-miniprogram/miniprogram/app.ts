import { loadCart } from './cart'
import { followOrders } from './purchases'

App({
  onLaunch() {
    followOrders()
    void loadCart()
  },
})
