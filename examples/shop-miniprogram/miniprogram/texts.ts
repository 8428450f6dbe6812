/** All that is shown, in the phone's language. */
const zh = {
  shop: '不倒小铺',
  tabs: ['逛逛', '购物车', '我的订单'],
  search: '搜一搜：龙井、草莓、铁锅……',
  categories: { all: '全部', tea: '茶', snacks: '零食', fruit: '水果', home: '家居', baby: '母婴' },
  sites: { east: '东区', west: '西区' } as Record<string, string>,
  add: '加入购物车',
  added: '已加入购物车',
  left: (count: number) => `库存 ${count}`,
  soldOut: '已售罄',
  nothingFound: '没有找到，换个词试试',
  noMore: '没有更多了',
  loading: '加载中…',
  failed: '现在连不上商城',
  failedWhy: '这里还没有保存过的数据。网络恢复后再试。',
  retry: '再试一次',

  connecting: '正在连接…',
  answeredBy: (channel: string, site: string) =>
    site === '' || site === channel ? `${channel}网关应答` : `${channel}网关应答，数据来自${site}`,
  switchedTo: (before: string, now: string) => `已从${before}网关切换到${now}网关`,
  backTo: (now: string) => `已回到${now}网关`,
  offline: '没有网络：可以照常浏览、下单，联网后自动发送',
  sitesGone: (channel: string) => `${channel}网关在应答，但两个机房都不在：显示网关保存的数据`,
  unreachable: '商城没有应答：显示手机里保存的数据',
  savedAt: (time: string) => `${time} 的数据 · 暂时连不上，可能已经变化`,

  cartEmpty: '购物车是空的',
  goShopping: '去逛逛',
  total: '合计',
  checkout: (count: number) => `去结算 (${count})`,

  confirmOrder: '确认订单',
  address: '收货地址',
  addressLine: '小程序用户  138****0000\n浙江省杭州市西湖区文三路 1 号（演示地址）',
  goods: '商品',
  delivery: '运费',
  free: '包邮',
  submit: '提交订单',
  demoOnly: '演示商城：不会真的扣款和发货',

  placed: '下单',
  sending: '正在提交…',
  sendingWhy: '订单已经写进手机，退出也不会丢',
  confirmed: '下单成功',
  confirmedWhy: (id: string, site: string) => `订单 ${id} · 由${site}确认`,
  waiting: '等待发送',
  waitingWhy: '订单存在手机里，连上网络后会自动发送，只会下单一次',
  refused: '下单未成功',
  toOrders: '查看我的订单',
  toShop: '继续逛逛',

  noOrders: '还没有订单',
  stateWaiting: '等待发送',
  stateConfirmed: '已下单',
  stateRefused: '未成功',
  stateKept: '手机里的记录',
  orderNumber: '订单号',
  notYet: '发送后才有订单号',
  keptWhy: (site: string, others: string) =>
    `现在由${site}应答，它只有自己的订单。${others}的订单是手机里保存的记录，由${others}应答时才会更新。`,
  refusedBecause: (reason: string) => `商城没有接受：${reason}`,
  outOfStock: '库存不足',
}

const en: typeof zh = {
  shop: 'Budao Shop',
  tabs: ['Shop', 'Cart', 'My orders'],
  search: 'Search: 龙井, 草莓, 铁锅 …',
  categories: { all: 'All', tea: 'Tea', snacks: 'Snacks', fruit: 'Fruit', home: 'Home', baby: 'Baby' },
  sites: { east: 'East', west: 'West' },
  add: 'Add to cart',
  added: 'In the cart',
  left: (count) => `${count} left`,
  soldOut: 'Sold out',
  nothingFound: 'Nothing found. Try another word.',
  noMore: 'That is all',
  loading: 'Loading …',
  failed: 'The shop cannot be reached',
  failedWhy: 'Nothing is kept for this page yet. Try again when the network is back.',
  retry: 'Try again',

  connecting: 'Connecting …',
  answeredBy: (channel, site) =>
    site === '' || site === channel
      ? `Gateway ${channel} answers`
      : `Gateway ${channel} answers, with data of ${site}`,
  switchedTo: (before, now) => `Switched from gateway ${before} to ${now}`,
  backTo: (now) => `Back to gateway ${now}`,
  offline: 'No network: browse and order as usual, it is sent later',
  sitesGone: (channel) => `Gateway ${channel} answers, but no site does: showing what it kept`,
  unreachable: 'The shop does not answer: showing what this phone kept',
  savedAt: (time) => `As of ${time} · no connection, may have changed`,

  cartEmpty: 'Your cart is empty',
  goShopping: 'Go shopping',
  total: 'Total',
  checkout: (count) => `Check out (${count})`,

  confirmOrder: 'Your order',
  address: 'Deliver to',
  addressLine: 'Mini-program user  138****0000\n1 Wensan Road, Hangzhou (a demo address)',
  goods: 'Goods',
  delivery: 'Delivery',
  free: 'Free',
  submit: 'Place order',
  demoOnly: 'A demo shop: nobody pays, nothing is delivered',

  placed: 'Order',
  sending: 'Sending …',
  sendingWhy: 'The order is kept on this phone: leaving does not lose it',
  confirmed: 'Order placed',
  confirmedWhy: (id, site) => `Order ${id} · confirmed by ${site}`,
  waiting: 'Waiting to be sent',
  waitingWhy: 'The order is kept on this phone. It is sent when there is a connection, and placed only once.',
  refused: 'Not placed',
  toOrders: 'My orders',
  toShop: 'Back to the shop',

  noOrders: 'No orders yet',
  stateWaiting: 'Waiting to be sent',
  stateConfirmed: 'Placed',
  stateRefused: 'Not placed',
  stateKept: 'As this phone remembers it',
  orderNumber: 'Order',
  notYet: 'gets its number when it is sent',
  keptWhy: (site, others) =>
    `${site} answers now, and knows its own orders only. Orders of ${others} are what this phone remembers, until ${others} answers.`,
  refusedBecause: (reason) => `The shop did not take it: ${reason}`,
  outOfStock: 'not enough in stock',
}

export const isChinese: boolean = wx.getAppBaseInfo().language.startsWith('zh')

export const texts: typeof zh = isChinese ? zh : en

/** A site's name for people. */
export function siteName(site: string): string {
  return texts.sites[site] ?? site
}
