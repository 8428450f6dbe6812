import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { startNode, tempDir } from '@budao/testkit'
import { requireChromium, startChromium } from './browser.ts'

const script = join(import.meta.dirname, '../examples/shop/start.ts')

test('the demo mini program: a site dies, the network goes, both gateways die', async (t) => {
  const executablePath = await requireChromium(t)
  if (executablePath === undefined) return
  const demo = await startDemo(t)
  const browser = await startChromium(t, executablePath)
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 375, height: 760 } })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(`${demo.url}/phone`)
  await page.waitForSelector('.product')
  const user = await page.evaluate<string>("JSON.parse(wx.getStorageSync('budao:session')).user")

  await t.test('products are found, and the bar says which gateway answers', async () => {
    assert.match(await barOf(page, 'shop'), /东区网关应答/)
    assert.equal(await page.locator('.product').count(), 10)
    await page.locator('.words input').fill('龙井')
    await page.locator('.product').nth(1).waitFor({ state: 'detached' })
    assert.match((await page.locator('.product').textContent())!, /西湖龙井.*168\.00/)
  })

  await t.test('wx here has the manners of the real one', async () => {
    const request = (options: string): Promise<Record<string, unknown>> =>
      page.evaluate(`new Promise((resolve) => wx.request({ ${options}, success: resolve, fail: resolve }))`)
    const gateway = await page.evaluate<string>(
      'new URL(performance.getEntriesByType("resource").find(({ name }) => name.includes("/api/")).name).origin',
    )
    const missing = await request(`url: '${gateway}/api/nothing'`)
    assert.deepEqual(
      [missing['statusCode'], missing['errMsg']],
      [404, 'request:ok'],
      'any status is a success',
    )
    const profile = missing['profile'] as { requestStart: number; responseStart: number; protocol: string }
    assert.ok(profile.responseStart >= profile.requestStart && profile.requestStart > 0)
    assert.equal(profile.protocol, 'http/1.1')
    const stranger = await request(`url: '${demo.url}/healthz'`)
    assert.deepEqual([stranger['errno'], stranger['errMsg']], [600002, 'request:fail url not in domain list'])
    const late = await request(`url: '${gateway}/api/products', timeout: 0`)
    assert.deepEqual([late['errno'], late['errMsg']], [5, 'request:fail timeout'])
    const aborted = await page.evaluate<{ errMsg: string }>(
      `new Promise((fail) => wx.request({ url: '${gateway}/api/products', fail }).abort())`,
    )
    assert.equal(aborted.errMsg, 'request:fail abort')
    const large = await page.evaluate<{ errMsg: string }>(
      `wx.setStorage({ key: 'large', data: 'x'.repeat(1024 * 1024) }).catch((failure) => failure)`,
    )
    assert.equal(large.errMsg, 'setStorage:fail exceed max item size 1Mb')
  })

  await t.test('the desk around the phone shows both gateways, and takes the network away', async () => {
    const desk = await context.newPage()
    await desk.setViewportSize({ width: 1366, height: 860 })
    await desk.goto(demo.url)
    await desk.locator('#gateways [data-state=up]').nth(1).waitFor()
    await desk.frameLocator('#screen').locator('.product').first().waitFor()
    await desk.click('#airplane')
    await desk.frameLocator('#screen').locator('.channel-bar--offline').waitFor()
    assert.match((await desk.locator('#requests').textContent())!, /GET\/api\/products/)
    await desk.close()
  })

  await t.test('an order is confirmed, and in my orders', async () => {
    await buy(page)
    await page.waitForSelector('.result.confirmed')
    // By the site whose its user’s writes are.
    assert.match(
      (await page.locator('.result').textContent())!,
      /订单 (east-\d+ · 由东区|west-\d+ · 由西区)确认/,
    )
    await page.locator('.result .main-button').first().click()
    await page.waitForSelector('[data-page="pages/orders/orders"] .state.confirmed')
    assert.deepEqual(demo.orders(user), { east: 1, west: 1 }, 'at both sites before it was confirmed')
  })

  await t.test('a site and its gateway are killed: the other one confirms the next order, once', async () => {
    await fillCart(page)
    await demo.kill('east.pids', /./)
    await demo.kill('gateways.pids', /gw-east/)
    await submit(page)
    await page.waitForSelector('.result.confirmed')
    assert.match((await page.locator('.result').textContent())!, /订单 west-\d+ · 由西区确认/)
    assert.match(await barOf(page, 'placed'), /已从东区网关切换到西区网关/)
    assert.deepEqual(demo.orders(user), { east: 1, west: 2 })

    await page.locator('.result .main-button').first().click()
    const orders = page.locator('[data-page="pages/orders/orders"]')
    await orders.locator('.state.confirmed').nth(1).waitFor()
    assert.deepEqual(await orders.locator('.state').allTextContents(), ['已下单', '已下单'])
    assert.equal(await orders.locator('.hint').count(), 0, 'the other site knows the order of the dead one')
  })

  await t.test('an order without a network waits, survives a new start, and is sent once', async () => {
    await fillCart(page)
    // The program is on the phone once its service worker is.
    await page.evaluate('navigator.serviceWorker.ready.then(() => null)')
    await context.setOffline(true)
    await submit(page)
    await page.waitForSelector('.result.waiting')
    assert.match(await barOf(page, 'placed'), /没有网络/)

    await page.reload()
    await page.click('[data-tab="pages/orders/orders"]')
    const orders = page.locator('[data-page="pages/orders/orders"]')
    await orders.locator('.state.waiting').waitFor()
    assert.equal(await orders.locator('.order').count(), 3)
    assert.deepEqual(demo.orders(user), { east: 1, west: 2 }, 'nothing has left')

    await context.setOffline(false)
    await orders.locator('.state.waiting').waitFor({ state: 'detached' })
    await orders.locator('.state.confirmed').nth(2).waitFor()
    assert.deepEqual(demo.orders(user), { east: 1, west: 3 })
  })

  await t.test('both gateways are dead: what the phone kept is shown, and marked', async () => {
    await demo.kill('gateways.pids', /gw-west/)
    await page.reload()
    await page.waitForSelector('.product')
    await page.waitForSelector('.freshness-mark--mark')
    assert.match((await page.locator('.freshness-mark--mark').textContent())!, /^\d\d:\d\d 的数据/)
    assert.match(await barOf(page, 'shop'), /商城没有应答/)
    assert.equal(await page.locator('.product').count(), 10)
  })

  assert.deepEqual(complaints, [])
})

const barOf = async (page: Page, name: string): Promise<string> =>
  (await page.locator(`[data-page="pages/${name}/${name}"] .channel-bar--bar`).textContent())!

async function buy(page: Page): Promise<void> {
  await fillCart(page)
  await submit(page)
}

/** Puts the first product of the list into the cart and goes as far as the confirmation. */
async function fillCart(page: Page): Promise<void> {
  await page.evaluate("wx.switchTab({ url: '/pages/shop/shop' })")
  await page.locator('[data-page="pages/shop/shop"] .add').first().click()
  await page.click('[data-tab="pages/cart/cart"]')
  await page.locator('[data-page="pages/cart/cart"] .main-button').click()
  await page.waitForSelector('[data-page="pages/checkout/checkout"]')
}

async function submit(page: Page): Promise<void> {
  await page.locator('[data-page="pages/checkout/checkout"] .main-button').click()
}

interface Demo {
  readonly url: string
  /** Kills the processes of a pid file whose names match, with SIGKILL. Resolves once they are gone. */
  kill(pidFile: string, name: RegExp): Promise<void>
  /** Orders of this user in the databases of both sites. */
  orders(user: string): { readonly east: number; readonly west: number }
}

/** `npm start` as a person starts it, but for its ports, and that what dies stays dead. */
async function startDemo(t: TestContext): Promise<Demo> {
  const data = tempDir(t)
  const args = ['--port-base', 'auto', '--data', data, '--phones', '0', '--restart-after', '3600']
  const process = startNode(t, [script, ...args])
  t.after(() => process.stop())
  const [, url] = await process.waitForOutput(/shop +(http:\S+)/, 60_000)
  const count = (site: string, user: string): number => {
    using db = new DatabaseSync(join(data, `shop-${site}.db`), { readOnly: true })
    return Number(db.prepare('SELECT count(*) AS n FROM orders WHERE user = ?').get(user)!['n'])
  }
  return {
    url: url!,
    async kill(pidFile, name) {
      const file = join(data, 'run', pidFile)
      const matching = (): string[] =>
        readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => name.test(line) && line !== '')
      for (const line of matching()) globalThis.process.kill(Number.parseInt(line, 10), 'SIGKILL')
      while (matching().length > 0) await sleep(20)
    },
    orders: (user) => ({ east: count('east', user), west: count('west', user) }),
  }
}
