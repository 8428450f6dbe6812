import { api, load, queued } from './api'
import { emptyCart, totalOf } from './cart'
import type { CartLine } from './cart'
import { withListed, withPurchase } from './order-book'
import type { Order, Purchase } from './order-book'
import { texts } from './texts'

type Listener = (purchases: readonly Purchase[]) => void

const listeners = new Set<Listener>()
let purchases: readonly Purchase[] = []
/** What earlier runs of the mini program knew. */
const loaded = wx.getStorage<Purchase[]>({ key: 'purchases' }).then(
  ({ data }) => {
    purchases = data
    tell()
  },
  () => {},
)

/** Tells the listener now and after each change, until the function it returns is called. */
export function watchPurchases(listener: Listener): () => void {
  listeners.add(listener)
  listener(purchases)
  return () => void listeners.delete(listener)
}

/**
 * Places an order, with a network or without: it is in the phone's storage when this resolves, leaves as soon as a gateway
 * answers, and carries one key on all its ways, so that the shop takes it once. Resolves to that key.
 */
export async function placeOrder(lines: readonly CartLine[]): Promise<string> {
  await loaded
  const { key, at } = await api.queue({
    entity: 'orders',
    path: '/api/orders',
    data: { items: lines.map(({ productId, quantity }) => ({ productId, quantity })) },
  })
  // The answer may have been quicker than this line.
  if (!purchases.some((purchase) => purchase.key === key)) {
    const items = lines.map(({ productId, name, priceFen, quantity }) => ({
      productId,
      name,
      priceFen,
      quantity,
    }))
    await keep(
      withPurchase(purchases, {
        key,
        state: 'waiting',
        id: '',
        reason: '',
        items,
        totalFen: totalOf(lines),
        at,
      }),
    )
  }
  emptyCart()
  return key
}

/** Asks for the orders of whichever site answers. Resolves to that site, what it told, and since when it has not been asked. */
export async function renewOrders(): Promise<{ site: string; staleSince: number | null; ids: string[] }> {
  const { data, site, staleSince } = await load<{ items: Order[] }>('/api/orders', { cache: { freshMs: 0 } })
  await loaded
  if (staleSince === null) await keep(withListed(purchases, site, data.items))
  return { site, staleSince, ids: data.items.map(({ id }) => id) }
}

/** Learns what became of orders in the queue. To be called once, before the queue is opened. */
export function followOrders(): void {
  api.use({
    async onResponse({ data }, { path, method, headers }) {
      const key = headers?.['Idempotency-Key']
      if (path !== '/api/orders' || method !== 'POST' || key === undefined) return
      await loaded
      // Kept before the queue forgets it: a phone that is switched off in between asks again, and is told the same.
      const { id, items, totalFen, createdAt } = (JSON.parse(data as string) as { data: Order }).data
      const at = Date.parse(createdAt)
      await keep(withPurchase(purchases, { key, state: 'confirmed', id, reason: '', items, totalFen, at }))
    },
  })
  queued.onDead = ({ key, status }) => void loaded.then(() => refuse(key, status))
}

function refuse(key: string, status: number): void {
  const known = purchases.find((purchase) => purchase.key === key)
  const reason = status === 409 ? texts.outOfStock : `HTTP ${status}`
  if (known !== undefined) void keep(withPurchase(purchases, { ...known, state: 'refused', reason }))
}

async function keep(next: readonly Purchase[]): Promise<void> {
  purchases = next
  tell()
  await wx.setStorage({ key: 'purchases', data: next }).catch(() => {})
}

function tell(): void {
  for (const listener of listeners) listener(purchases)
  const waiting = purchases.filter(({ state }) => state === 'waiting').length
  if (waiting === 0) wx.removeTabBarBadge({ index: 2, fail: () => {} })
  else wx.setTabBarBadge({ index: 2, text: String(waiting), fail: () => {} })
}
