import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { products } from './catalogue.ts'

interface Shop {
  readonly url: string
  readonly process: ChildProcess
}

const user = { 'X-User': 'li-hua' }
const two = JSON.stringify({ items: [{ productId: 3, quantity: 2 }] })

test('the product list is paged, filtered, and says which process answered', async (t) => {
  const { url } = await startShop(t, { name: 'shop-east-1' })
  const first = await fetch(`${url}/api/products?page=1`)
  assert.equal(first.status, 200)
  assert.equal(first.headers.get('x-site'), 'east')
  assert.equal(first.headers.get('x-process'), 'shop-east-1')
  const { data } = (await first.json()) as { data: { items: unknown[]; pages: number; total: number } }
  assert.deepEqual(data.items, products.slice(0, 10))
  assert.equal(data.total, products.length)
  assert.equal(data.pages, 4)

  const tea = await json(`${url}/api/products?category=tea`)
  assert.deepEqual(
    tea.data.items,
    products.filter((product) => product.category === 'tea'),
  )
  const found = await json(`${url}/api/products?search=${encodeURIComponent('龙井')}`)
  assert.deepEqual(found.data.items, [products[0]])
  assert.deepEqual((await json(`${url}/api/products?category=fruit&search=99`)).data.items.length, 1)
  assert.deepEqual((await json(`${url}/api/products?search=%25`)).data.items, [], 'no pattern')
  assert.deepEqual((await json(`${url}/api/products/3`)).data, products[2])
  assert.deepEqual((await json(`${url}/api/products?page=5`)).data.items, [])
})

const refusals: [
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | null,
  status: number,
  says: RegExp,
][] = [
  ['GET', '/api/products?page=0', {}, null, 400, /page: expected a whole number from 1/],
  ['GET', '/api/products?page=1.5', {}, null, 400, /got "1\.5"/],
  ['GET', '/api/products?category=cars', {}, null, 400, /expected one of tea, .*got "cars"/],
  [
    'GET',
    `/api/products?search=${'a'.repeat(65)}`,
    {},
    null,
    400,
    /search: expected at most 64 characters, got 65/,
  ],
  ['GET', '/api/products/abc', {}, null, 400, /Product id/],
  ['GET', '/api/products/999', {}, null, 404, /no product 999/],
  ['GET', '/api', {}, null, 404, /nothing at \/api/],
  ['DELETE', '/api/products', {}, null, 405, /expected GET, got DELETE/],
  ['POST', '/api/cart', user, '{}', 405, /expected GET, PUT, DELETE/],
  ['GET', '/api/cart', {}, null, 400, /X-User/],
  ['GET', '/api/cart', { 'X-User': 'no spaces' }, null, 400, /X-User/],
  ['PUT', '/api/cart', user, 'not json', 400, /expected JSON, got "not json"/],
  ['PUT', '/api/cart', user, '{"items":[{"productId":1,"quantity":0}]}', 400, /items\[0\]\.quantity/],
  ['PUT', '/api/cart', user, '{"items":[null]}', 400, /items\[0\]\.productId.*got nothing/],
  ['PUT', '/api/cart', user, '{"items":[{"productId":999,"quantity":1}]}', 400, /no product 999/],
  ['PUT', '/api/cart', user, `{"items":[],"pad":"${'x'.repeat(70_000)}"}`, 413, /at most 65536/],
  ['POST', '/api/orders', user, two, 400, /Idempotency-Key/],
  ['POST', '/api/orders', { ...user, 'Idempotency-Key': 'k' }, '{"items":[]}', 400, /1 to 50 lines/],
  [
    'POST',
    '/api/orders',
    { ...user, 'Idempotency-Key': 'k' },
    '{"items":[{"productId":25,"quantity":99}]}',
    409,
    /stock/,
  ],
]

test('what is wrong with a request is refused with what was expected', async (t) => {
  const { url } = await startShop(t)
  for (const [method, path, headers, body, status, says] of refusals) {
    const response = await fetch(url + path, { method, headers, body })
    const { code, message } = (await response.json()) as { code: number; message: string }
    assert.equal(response.status, status, `${method} ${path}: ${message}`)
    assert.equal(code, status)
    assert.match(message, says)
    if (status === 405) assert.ok(response.headers.get('allow'))
  }
})

test('the cart belongs to its user; PUT replaces it and DELETE empties it', async (t) => {
  const { url } = await startShop(t)
  // Of the site where this shop is: whose number is odd belongs to west, and without a gateway nobody says otherwise.
  const own = { 'X-User': '1000' }
  const astray = await fetch(`${url}/api/cart`, { method: 'PUT', headers: { 'X-User': '1001' }, body: two })
  assert.equal(astray.status, 409)
  await fetch(`${url}/api/cart`, { method: 'PUT', headers: own, body: two })
  await fetch(`${url}/api/cart`, { method: 'PUT', headers: own, body: two })
  const { data } = await json(`${url}/api/cart`, own)
  assert.deepEqual(
    data.items.map(({ productId, quantity }) => [productId, quantity]),
    [[3, 2]],
  )
  assert.equal(data.totalFen, 2 * products[2]!.priceFen)
  assert.deepEqual((await json(`${url}/api/cart`, { 'X-User': 'wang-wu' })).data.items, [])
  assert.equal((await fetch(`${url}/api/cart`, { method: 'DELETE', headers: own })).status, 204)
  assert.deepEqual((await json(`${url}/api/cart`, own)).data.items, [])
})

test('the same key gets the same order from both processes of a site, and stock goes down once', async (t) => {
  const data = join(directory(t), 'east.db')
  const [one, other] = await Promise.all([startShop(t, { data }), startShop(t, { data })])
  const post = (at: Shop, key: string, body: string): Promise<Response> =>
    fetch(`${at.url}/api/orders`, { method: 'POST', headers: { ...user, 'Idempotency-Key': key }, body })

  const answers = await Promise.all([one, other, one, other, one, other].map((at) => post(at, 'k1', two)))
  assert.deepEqual(
    answers.map((answer) => answer.status).toSorted((a, b) => a - b),
    [200, 200, 200, 200, 200, 201],
  )
  const bodies = await Promise.all(answers.map((answer) => answer.text()))
  assert.equal(new Set(bodies).size, 1)

  assert.equal((await post(other, 'k1', '{"items":[{"productId":4,"quantity":1}]}')).status, 422)
  assert.equal((await post(other, 'k2', two)).status, 201)
  assert.equal((await json(`${one.url}/api/orders`, user)).data.items.length, 2)
  const product = await json<{ data: { stock: number } }>(`${one.url}/api/products/3`)
  assert.equal(product.data.stock, products[2]!.stock - 4)
})

test('a write of an epoch that is over is refused, and nothing of it done', async (t) => {
  const { url } = await startShop(t, { name: 'shop-east-1' })
  const put = (epoch: number, unit = 'shop') =>
    fetch(`${url}/api/cart`, {
      method: 'PUT',
      headers: { ...user, 'X-Budao-Unit': unit, 'X-Budao-Epoch': `${epoch}` },
      body: JSON.stringify({ items: [{ productId: epoch, quantity: 1 }] }),
    })
  assert.deepEqual([(await put(3)).status, (await put(4)).status], [200, 200])
  const late = await put(3)
  assert.equal(late.status, 409)
  assert.match(((await late.json()) as { message: string }).message, /^Epoch 3 of shop is over/)
  const { data } = await json(`${url}/api/cart`, user)
  assert.equal((data.items[0] as { productId: number }).productId, 4)
  assert.equal((await put(1, 'shop/west')).status, 200, 'each unit has epochs of its own')
})

test('an acknowledged order is there after SIGKILL', async (t) => {
  const data = join(directory(t), 'east.db')
  const first = await startShop(t, { data })
  const headers = { ...user, 'Idempotency-Key': 'k1' }
  const order = await (await fetch(`${first.url}/api/orders`, { method: 'POST', headers, body: two })).json()
  first.process.kill('SIGKILL')
  await once(first.process, 'exit')
  const second = await startShop(t, { data })
  const again = await fetch(`${second.url}/api/orders`, { method: 'POST', headers, body: two })
  assert.equal(again.headers.get('idempotent-replay'), 'true')
  assert.deepEqual(await again.json(), order)
})

test('SIGTERM: the health check says no, requests are still answered, then the process ends with 0', async (t) => {
  const { url, process: shop } = await startShop(t)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  const ended = once(shop, 'exit')
  shop.kill('SIGTERM')
  let health = await fetch(`${url}/healthz`)
  while (health.status === 200) health = await fetch(`${url}/healthz`)
  assert.equal(health.status, 503)
  assert.equal(health.headers.get('connection'), 'close')
  assert.deepEqual(await ended, [0, null])
})

interface Lines {
  readonly data: { readonly items: { productId: number; quantity: number }[]; readonly totalFen: number }
}

async function json<T = Lines>(url: string, headers: Record<string, string> = {}): Promise<T> {
  return (await (await fetch(url, { headers })).json()) as T
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'budao-shop-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function startShop(
  t: TestContext,
  { data, name = 'shop' }: { data?: string; name?: string } = {},
): Promise<Shop> {
  const file = data ?? join(directory(t), 'shop.db')
  const script = join(import.meta.dirname, 'server.ts')
  const child = spawn(
    process.execPath,
    ['--conditions=@budao/source', script, '--port', '0', '--data', file, '--name', name],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port !== undefined) return { url: `http://127.0.0.1:${port}`, process: child }
  }
  throw new Error('the shop ended before it served')
}
