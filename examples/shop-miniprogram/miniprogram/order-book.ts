/** One line of an order, as the shop confirms it. */
export interface OrderLine {
  readonly productId: number
  readonly name: string
  readonly priceFen: number
  readonly quantity: number
}

/** As the shop's API gives it. */
export interface Order {
  /** `east-12`: the site that took it, and its number there. */
  readonly id: string
  readonly items: readonly OrderLine[]
  readonly totalFen: number
  /** ISO 8601. */
  readonly createdAt: string
}

/**
 * An order that this phone knows of: placed here, or seen in a list.
 *
 * waiting    in the phone's queue; nobody has confirmed it
 * confirmed  the shop has it: `id`
 * refused    the shop has said no: `reason`
 */
export interface Purchase {
  /** Of the write that places it; of an order that was only seen in a list its id. */
  readonly key: string
  readonly state: 'waiting' | 'confirmed' | 'refused'
  readonly id: string
  readonly reason: string
  readonly items: readonly OrderLine[]
  readonly totalFen: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/** More are forgotten, the oldest first; never one that waits. */
export const purchasesMax = 50

/**
 * What the phone knows after a site has told its orders. Each site has a database of its own, and those of the others reach it
 * in a moment: of orders that it took the list is right; of others what is not in it yet stays as it is known here.
 */
export function withListed(known: readonly Purchase[], site: string, orders: readonly Order[]): Purchase[] {
  const keys = new Map(known.map(({ id, key }) => [id, key]))
  const listed = orders.map(({ id, items, totalFen, createdAt }): Purchase => {
    const at = Date.parse(createdAt)
    return { key: keys.get(id) ?? id, state: 'confirmed', id, reason: '', items, totalFen, at }
  })
  const ids = new Set(orders.map(({ id }) => id))
  const others = known.filter(
    ({ state, id }) => state !== 'confirmed' || (siteOf(id) !== site && !ids.has(id)),
  )
  return sorted([...others, ...listed])
}

/** The same purchases with this one in its new state. */
export function withPurchase(known: readonly Purchase[], purchase: Purchase): Purchase[] {
  return sorted([...known.filter(({ key }) => key !== purchase.key), purchase])
}

/** The site in an order's id. */
export function siteOf(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf('-')))
}

function sorted(purchases: readonly Purchase[]): Purchase[] {
  // Phones have no `toSorted` yet.
  // oxlint-disable-next-line unicorn/no-array-sort
  const newest = [...purchases].sort((a, b) => b.at - a.at)
  return newest.filter(({ state }, index) => state === 'waiting' || index < purchasesMax)
}
