import type { IncomingHttpHeaders } from 'node:http'
import { categories } from './catalogue.ts'
import type { Category } from './catalogue.ts'
import { pageSize } from './store.ts'
import { WriteRefusedError } from '@budao/replicator/outbox'
import { epochOf, StaleEpoch } from './epoch.ts'
import type { Line, Store } from './store.ts'

export interface ShopRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status: number
  /** As mini programs are used to it: `code` 0 and `data`, or another code and `message`. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

const searchMax = 64

type Handler = (store: Store, request: ShopRequest, query: URLSearchParams, id: string) => Answer

const routes: readonly (readonly [path: RegExp, methods: Readonly<Record<string, Handler>>])[] = [
  [/^\/api\/products$/, { GET: listProducts }],
  [/^\/api\/products\/([^/]+)$/, { GET: showProduct }],
  [/^\/api\/cart$/, { GET: showCart, PUT: putCart, DELETE: clearCart }],
  [/^\/api\/orders$/, { GET: listOrders, POST: placeOrder }],
]

/** Every answer of the API, `/healthz` excepted. Never throws for what a client sent. */
export function answer(store: Store, request: ShopRequest): Answer {
  const mark = request.url.indexOf('?')
  const path = mark < 0 ? request.url : request.url.slice(0, mark)
  for (const [pattern, methods] of routes) {
    const match = pattern.exec(path)
    if (match === null) continue
    const handler = methods[request.method === 'HEAD' ? 'GET' : request.method]
    if (handler === undefined) {
      const allow = Object.keys(methods).join(', ')
      return {
        ...refuse(405, `Method: expected ${allow}, got ${request.method}.`),
        headers: { Allow: allow },
      }
    }
    try {
      const query = new URLSearchParams(mark < 0 ? '' : request.url.slice(mark + 1))
      const answered = (): Answer => handler(store, request, query, match[1] ?? '')
      const epoch = isRead(request) ? null : epochOf(request.headers)
      return epoch === null ? answered() : store.underEpoch(epoch, answered)
    } catch (error) {
      if (error instanceof Invalid) return refuse(400, error.message)
      if (error instanceof StaleEpoch || isOthers(error)) return refuse(409, error.message)
      throw error
    }
  }
  return refuse(404, `There is nothing at ${path}.`)
}

function isRead({ method }: ShopRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

function listProducts(store: Store, _: ShopRequest, query: URLSearchParams): Answer {
  const category = query.get('category') ?? undefined
  if (category !== undefined && !isCategory(category)) {
    throw new Invalid(`category: expected one of ${categories.join(', ')}, got ${quote(category)}.`)
  }
  const page = wholeNumber('page', query.get('page') ?? '1', 1, 1_000)
  const search = query.get('search') ?? ''
  if (search.length > searchMax)
    throw new Invalid(`search: expected at most ${searchMax} characters, got ${search.length}.`)
  const { items, total } = store.products({ category, search, page })
  return give({ items, page, pages: Math.ceil(total / pageSize), total })
}

/** The row is the other site's, and no lease says otherwise. */
function isOthers(error: unknown): error is WriteRefusedError {
  return error instanceof WriteRefusedError && error.code === 'not-owner'
}

function showProduct(store: Store, _: ShopRequest, __: URLSearchParams, id: string): Answer {
  const product = store.product(wholeNumber('Product id', id, 1, Number.MAX_SAFE_INTEGER))
  return product === undefined ? refuse(404, `There is no product ${id}.`) : give(product)
}

function showCart(store: Store, request: ShopRequest): Answer {
  const items = store.cart(user(request))
  return give({ items, totalFen: items.reduce((sum, line) => sum + line.priceFen * line.quantity, 0) })
}

function putCart(store: Store, request: ShopRequest): Answer {
  const unknown = store.putCart(user(request), lines(request, 0))
  if (unknown !== undefined) throw new Invalid(`items: there is no product ${unknown}.`)
  return showCart(store, request)
}

function clearCart(store: Store, request: ShopRequest): Answer {
  store.clearCart(user(request))
  return { status: 204 }
}

function listOrders(store: Store, request: ShopRequest): Answer {
  return give({ items: store.orders(user(request), 50) })
}

function placeOrder(store: Store, request: ShopRequest): Answer {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key)) {
    throw new Invalid(
      'Idempotency-Key header: expected 1 to 128 printable characters, so that a retry cannot buy twice.',
    )
  }
  const outcome = store.order(user(request), key, lines(request, 1), new Date().toISOString())
  switch (outcome.kind) {
    case 'created':
      return { status: 201, body: { code: 0, data: outcome.order } }
    case 'repeated':
      return { ...give(outcome.order), headers: { 'Idempotent-Replay': 'true' } }
    case 'key-reused':
      return refuse(422, 'Idempotency-Key header: this key was used for an order of other items.')
    case 'no-product':
      return refuse(400, `items: there is no product ${outcome.productId}.`)
    case 'out-of-stock':
      return refuse(409, `items: not enough stock of product ${outcome.productId}.`)
  }
}

/** What a client got wrong, in one sentence that says what was expected and what came. */
class Invalid extends Error {}

function user(request: ShopRequest): string {
  const name = request.headers['x-user']
  if (typeof name === 'string' && /^[\w-]{1,64}$/.test(name)) return name
  throw new Invalid('X-User header: expected 1 to 64 letters, digits, "_" or "-".')
}

function lines(request: ShopRequest, min: number): Line[] {
  const items = parse(request.body).items
  if (!Array.isArray(items) || items.length < min || items.length > 50) {
    throw new Invalid(`items: expected a list of ${min} to 50 lines like {"productId":1,"quantity":2}.`)
  }
  const seen = new Set<number>()
  return items.map((item: unknown, index) => {
    const { productId, quantity } = (item ?? {}) as Record<string, unknown>
    const line = {
      productId: wholeNumber(`items[${index}].productId`, productId, 1, Number.MAX_SAFE_INTEGER),
      quantity: wholeNumber(`items[${index}].quantity`, quantity, 1, 99),
    }
    if (seen.has(line.productId))
      throw new Invalid(`items[${index}].productId: ${line.productId} is there twice.`)
    seen.add(line.productId)
    return line
  })
}

function parse(body: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw new Invalid(`Body: expected JSON, got ${quote(body)}.`)
  }
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new Invalid(`Body: expected an object, got ${quote(body)}.`)
}

function wholeNumber(what: string, value: unknown, min: number, max: number): number {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number
  throw new Invalid(`${what}: expected a whole number from ${min} to ${max}, got ${quote(value)}.`)
}

function isCategory(name: string): name is Category {
  return (categories as readonly string[]).includes(name)
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function give(data: object): Answer {
  return { status: 200, body: { code: 0, data } }
}

function refuse(status: number, message: string): Answer {
  return { status, body: { code: status, message } }
}
