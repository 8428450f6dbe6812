/** What somebody wants to buy. */
export interface CartLine {
  readonly productId: number
  readonly category: string
  readonly name: string
  readonly priceFen: number
  readonly quantity: number
}

type Listener = (lines: readonly CartLine[]) => void

/** The shop's own limit for one line. */
const quantityMax = 99
const listeners = new Set<Listener>()
let lines: readonly CartLine[] = []

/** The cart is kept on the phone: it works without a network. */
export async function loadCart(): Promise<void> {
  const kept = await wx.getStorage({ key: 'cart' }).catch(() => ({ data: [] }))
  // What was put in meanwhile counts more.
  if (lines.length === 0) change(kept.data as CartLine[])
}

/** Tells the listener now and after each change, until the function it returns is called. */
export function watchCart(listener: Listener): () => void {
  listeners.add(listener)
  listener(lines)
  return () => void listeners.delete(listener)
}

export function cartLines(): readonly CartLine[] {
  return lines
}

export function addToCart(product: Omit<CartLine, 'productId' | 'quantity'> & { id: number }): void {
  const { id: productId, category, name, priceFen } = product
  const known = lines.find((line) => line.productId === productId)
  if (known !== undefined) return setQuantity(productId, known.quantity + 1)
  change([...lines, { productId, category, name, priceFen, quantity: 1 }])
}

/** Nothing is left of a line with none. */
export function setQuantity(productId: number, quantity: number): void {
  change(
    lines
      .map((line) =>
        line.productId === productId ? { ...line, quantity: Math.min(quantity, quantityMax) } : line,
      )
      .filter((line) => line.quantity > 0),
  )
}

export function emptyCart(): void {
  change([])
}

export function totalOf(list: readonly { priceFen: number; quantity: number }[]): number {
  return list.reduce((sum, { priceFen, quantity }) => sum + priceFen * quantity, 0)
}

export function countOf(list: readonly { quantity: number }[]): number {
  return list.reduce((sum, { quantity }) => sum + quantity, 0)
}

function change(next: readonly CartLine[]): void {
  lines = next
  void wx.setStorage({ key: 'cart', data: next })
  for (const listener of listeners) listener(next)
  const count = countOf(next)
  // Fails while a page without the tab bar is on top; the next page of the tab bar sets it again.
  if (count === 0) wx.removeTabBarBadge({ index: 1, fail: () => {} })
  else wx.setTabBarBadge({ index: 1, text: String(count), fail: () => {} })
}
