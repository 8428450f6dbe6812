import { load } from './api'
import type { Loaded } from './api'
import { artOf } from './art'
import { price } from './format'
import { texts } from './texts'

/** As the shop's API gives it. */
interface Product {
  readonly id: number
  readonly category: string
  readonly name: string
  readonly priceFen: number
  readonly stock: number
}

/** As a page shows it. */
export interface ProductCard extends Product {
  readonly title: string
  readonly note: string
  readonly picture: string
  readonly yuan: string
  readonly rest: string
  readonly stockText: string
}

export interface CataloguePage {
  readonly items: readonly ProductCard[]
  readonly pages: number
}

export interface Wanted {
  /** Empty: all. */
  readonly category: string
  /** Empty: all. */
  readonly search: string
  readonly page: number
  /** Ask, whatever is kept. */
  readonly renew?: boolean
}

export async function loadProducts({
  category,
  search,
  page,
  renew,
}: Wanted): Promise<Loaded<CataloguePage>> {
  const query = { page, ...(category === '' ? {} : { category }), ...(search === '' ? {} : { search }) }
  const { data, ...rest } = await load<{ items: Product[]; pages: number }>('/api/products', {
    query,
    priority: 'high',
    ...(renew === true ? { cache: { freshMs: 0 } } : {}),
  })
  return { ...rest, data: { pages: data.pages, items: data.items.map(cardOf) } }
}

function cardOf(product: Product): ProductCard {
  // "西湖龙井 明前特级 50g": what it is, and which.
  const [title = '', ...note] = product.name.split(' ')
  return {
    ...product,
    ...price(product.priceFen),
    title,
    note: note.join(' '),
    picture: artOf(product.category, product.id),
    stockText: product.stock === 0 ? texts.soldOut : texts.left(product.stock),
  }
}
