import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { freePort, startNode, tempDir } from '@budao/testkit'
import type { TestProcess } from '@budao/testkit'
import { requireChromium, startChromium } from './browser.ts'

const main = join(import.meta.dirname, '../packages/budao/src/main.ts')

/** Answers 200 to everything. */
const backend = `
  const [port] = process.argv.slice(1)
  require('node:http').createServer((_, response) => response.end('{"ok":true}')).listen(Number(port), '127.0.0.1', () => console.log('listening'))
`

interface World {
  readonly page: Page
  readonly east: string
  readonly west: string
  readonly gateway: () => TestProcess
  readonly startBackend: (address: string) => Promise<TestProcess>
  readonly startGateway: () => Promise<void>
  /** What the browser complained about, answers that are no success left out. */
  readonly complaints: string[]
}

test('a killed endpoint shows without a reload, and its return too', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const { page, west, startBackend, complaints } = world
  const dying = await startBackend(west)
  await page.waitForSelector('[data-overall=good]')
  assert.match(await page.title(), /^✓ Everything is up/)
  assert.equal(await page.locator('[data-endpoint]').count(), 2)
  await page.evaluate('globalThis.sameDocument = true')

  await dying.kill()
  await page.waitForSelector(`[data-endpoint="${west}"]:not([data-state=usable])`)
  await page.waitForSelector('[data-site=west] [data-state=down]')
  assert.match(await text(page, '#headline'), /Site west is down; east serves/)
  assert.match(await text(page, '[data-fact=broken]'), new RegExp(west))
  assert.notEqual(await text(page, `[data-endpoint="${west}"] .why`), '')
  await page.waitForSelector('[data-event="endpoint.unhealthy"], [data-event="endpoint.ejected"]')
  assert.match(await text(page, '[data-fact=done]'), new RegExp(west))
  assert.match(await text(page, '#announce'), /Site west is down/, 'screen readers are told')
  const picture = await page.screenshot()
  assert.deepEqual([...picture.subarray(1, 4)], [...Buffer.from('PNG')])

  await startBackend(west)
  await page.waitForSelector('[data-overall=good]')
  assert.equal(await page.evaluate('globalThis.sameDocument'), true, 'the page was never loaded again')
  assert.deepEqual(complaints, [])
})

test('a site is drained with a reason and put back; the last one only by force', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const { page, west, startBackend } = world
  await startBackend(west)
  await page.waitForSelector('[data-overall=good]')
  const drain = async (site: string): Promise<void> => {
    await page.click(`[data-drain-site=${site}]`)
    await page.waitForSelector('#drain[open]')
    await page.fill('#drain [name=reason]', 'new kernel')
    await page.click('#drain [type=submit]')
  }
  await drain('west')
  await page.waitForSelector('[data-site=west] [data-state=drained]')
  await page.waitForSelector(`[data-endpoint="${west}"][data-state=draining]`)
  assert.match(await text(page, '[data-site=west]'), /new kernel · 0 requests under way/)

  await drain('east')
  await page.waitForSelector('#drain-force:not([hidden])')
  assert.match(await text(page, '#drain-problem'), /would have no endpoint left/)
  await page.click('#drain [value=cancel]')
  await page.waitForSelector('#drain[open]', { state: 'detached' })

  await drain('west')
  await page.waitForSelector('[data-site=west] [data-state=up]')
  await page.waitForSelector('[data-event="drain.ended"]')
})

test('a breaker is forced open with a reason, seen by everybody, and given back', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const { page, east, west, startBackend } = world
  await startBackend(west)
  await page.waitForSelector('[data-overall=good]')

  const button = page.locator(`[data-breaker-endpoint="${east}"]`)
  await button.focus()
  await page.keyboard.press('Enter')
  await page.waitForSelector('#breaker[open]')
  await page.keyboard.press('Escape')
  await page.waitForSelector('#breaker[open]', { state: 'detached' })

  await button.click()
  await page.check('#breaker input[value=open]')
  await page.click('#breaker [type=submit]')
  assert.equal(await page.locator('#breaker[open]').count(), 1, 'without a reason nothing happens')
  await page.fill('#breaker [name=reason]', 'database work')
  await page.click('#breaker [type=submit]')
  await page.waitForSelector(`[data-endpoint="${east}"] [data-state=forced-open]`)
  await page.waitForSelector('[data-event="breaker.forced"]')
  assert.match(await text(page, '[data-event="breaker.forced"]'), /database work/)

  await button.click()
  await page.check('#breaker input[value=auto]')
  await page.fill('#breaker [name=reason]', 'done')
  await page.click('#breaker [type=submit]')
  await page.waitForSelector('[data-overall=good]')
})

test('a gateway that is gone is said to be gone, since when, and found again', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const { page, west, startBackend, gateway, startGateway } = world
  await startBackend(west)
  await page.waitForSelector('[data-overall=good]')
  await gateway().kill()
  await page.waitForSelector('[data-unreachable]')
  assert.match(await text(page, '[data-unreachable]'), /does not answer.*Since \d\d:\d\d:\d\d/s)
  assert.match(await page.title(), /^✕/)
  assert.equal(await page.locator('[data-endpoint]').count(), 2, 'what was last known stays')

  await startGateway()
  await page.waitForSelector('[data-unreachable]', { state: 'detached' })
  await page.waitForSelector('[data-overall=good]')
})

test('a refused configuration is shown with its problems, in English and Chinese, on a phone', async (t) => {
  const world = await open(t, { locale: 'zh-CN', width: 375 })
  if (world === undefined) return
  const { page, west, startBackend, complaints } = world
  await startBackend(west)
  await page.waitForSelector('[data-overall=good]')
  assert.match(await text(page, '#headline'), /一切正常/)
  assert.equal(await page.evaluate('document.documentElement.lang'), 'zh')
  await page.click('#language')
  assert.match(await text(page, '#headline'), /Everything is up/)
  assert.equal(
    await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'),
    true,
    'a phone need not scroll sideways',
  )

  writeFileSync(world.config, 'version: 2\n')
  await page.click('#reload')
  await page.waitForSelector('#notice .bad')
  await page.waitForSelector('#refused')
  assert.match(await text(page, '#refused'), /version/)
  assert.deepEqual(complaints, [])
})

test('a burst of errors is an alert, silenced and acknowledged by a person, its records a link away, and over', async (t) => {
  const world = await open(t, { alerts: true, locale: 'zh-CN', width: 420 })
  if (world === undefined) return
  const { page, west, startBackend, complaints } = world
  await startBackend(west)
  await page.waitForSelector('[data-overall=good]')
  await page.waitForSelector('[data-chart=requests]')
  const line = JSON.stringify({ level: 'error', message: '支付回调失败', order: 'o-1' })
  appendFileSync(world.log, `${line}\n`.repeat(30))

  await page.waitForSelector('[data-page=alerts] [data-firing]')
  await page.click('[data-page=alerts]')
  const alert = page.locator('[data-alert=errors][data-state=firing]')
  await alert.waitFor()
  assert.match((await alert.textContent())!, /shop.*当前值 30/s)
  await page.click('[data-alert-wish=silence][data-alert-name=errors]')
  assert.equal(await page.inputValue('#alert-matchers'), 'alertname="errors"\nservice="shop"')
  await page.click('#alert [type=submit]')
  assert.equal(await page.locator('#alert[open]').count(), 1, 'without a reason nothing happens')
  await page.fill('#alert [name=reason]', '已知问题')
  await page.fill('#alert [name=by]', 'lin')
  await page.click('#alert [type=submit]')
  await page.waitForSelector('[data-alert=errors][data-muted=silenced]')
  await page.waitForSelector('[data-firing]', { state: 'detached' })

  await page.click('[data-alert-wish=acknowledge]')
  await page.click('#alert [type=submit]')
  await page.waitForSelector('[data-acknowledged=lin]')
  await page.waitForSelector('#history [data-event="alert.acknowledged"]')

  await page.click('[data-samples]')
  await page.waitForSelector('[data-logs=answered] .record')
  assert.equal(await page.inputValue('#log-filter'), 'log.level:error service:shop')
  await page.waitForSelector('[data-total="30"] rect.error')
  assert.equal(await page.locator('.record').count(), 30)
  await page.locator('.record .message').first().focus()
  await page.keyboard.press('Enter')
  await page.click('[data-log-field=order][data-log-without]')
  await page.locator('.found', { hasText: '没有符合条件的记录' }).waitFor()
  await page.goBack()
  await page.fill('#log-filter', '支付')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-logs=answered] .record')
  await page.click('#log-follow')
  await page.waitForSelector('#log-follow[aria-pressed=true]')
  await page.fill('#log-filter', 'level >')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-logs=refused] [role=alert]')
  assert.equal(await page.getAttribute('#log-filter', 'aria-invalid'), 'true')
  assert.equal(
    await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'),
    true,
    'a phone need not scroll sideways',
  )

  await page.click('[data-page=alerts]')
  await page.click('[data-choice=resolved]')
  await page.waitForSelector('[data-alert=errors][data-state=resolved]', { timeout: 60_000 })
  await page.click('[data-silence-end]')
  await page.waitForSelector('[data-silence=expired]')
  assert.deepEqual(complaints, [])
})

test('where tokens are configured the page asks for one', async (t) => {
  const world = await open(t, { tokens: '{ viewer: a-viewer-token-01, operator: an-operator-token-1 }' })
  if (world === undefined) return
  const { page, west, startBackend } = world
  await startBackend(west)
  const enter = async (token: string): Promise<void> => {
    await page.waitForSelector('#token[open]')
    await page.fill('#token [name=token]', token)
    await page.click('#token [type=submit]')
  }
  await enter('wrong')
  await page.locator('#token-problem', { hasText: 'not one of' }).waitFor()
  assert.equal(await page.locator('[data-endpoint]').count(), 0, 'nothing is shown to strangers')
  await enter('a-viewer-token-01')
  await page.waitForSelector('[data-overall]')
  await page.click('#reload')
  await page.locator('#token-problem', { hasText: 'can read, but not change' }).waitFor()
  await enter('an-operator-token-1')
  await page.click('#reload')
  await page.waitForSelector('#notice .good')
})

const text = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).first().textContent()) ?? ''

interface Situation {
  readonly locale?: string
  readonly width?: number
  readonly tokens?: string
  /** Logs of `log` are collected, and thirty errors in it are an alert. */
  readonly alerts?: boolean
}

/** A gateway process before two sites, of which east runs, and a browser that looks at its console. */
async function open(
  t: TestContext,
  { locale = 'en-GB', width = 1280, tokens, alerts = false }: Situation = {},
): Promise<(World & { config: string; log: string }) | undefined> {
  const executablePath = await requireChromium(t)
  if (executablePath === undefined) return undefined
  const [east, west, admin] = [await address(), await address(), await address()]
  const dir = tempDir(t)
  const config = join(dir, 'budao.yaml')
  const log = join(dir, 'shop.log')
  if (alerts) {
    writeFileSync(log, '')
    writeFileSync(
      join(dir, 'rules.json'),
      '{"alert_name": "errors", "condition": "count(log.level:error) >= 30 in 25s by service", "notify": ["ops"], "severity": "P1"}',
    )
  }
  writeFileSync(
    config,
    `version: 1
node: { name: gw-1, site: east }
dataDir: ./data
sites: { east: {}, west: {} }
admin: { address: '${admin}'${tokens === undefined ? '' : `, tokens: ${tokens}`} }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services:
  shop:
    endpoints: [{ address: '${east}', site: east }, { address: '${west}', site: west }]
    healthCheck: { type: http, path: /healthz, interval: 500ms, timeout: 500ms, unhealthyAfter: 2, healthyAfter: 1 }
routes: [{ name: shop-api, backends: [{ service: shop }] }]
${alerts ? alertsConfig : ''}`,
  )
  const startBackend: World['startBackend'] = async (at) => {
    const process = startNode(t, ['-e', backend, at.split(':')[1]!])
    await process.waitForOutput(/listening/)
    return process
  }
  let gateway: TestProcess
  const startGateway = async (): Promise<void> => {
    gateway = startNode(t, [main, 'up', '-c', config], { cwd: dir })
    await gateway.waitForPort(Number(admin.split(':')[1]))
  }
  await Promise.all([startBackend(east), startGateway()])

  const browser = await startChromium(t, executablePath)
  const page = await browser.newPage({ locale, viewport: { width, height: 900 } })
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const expected = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !expected) complaints.push(message.text())
  })
  await page.goto(`http://${admin}/`)
  return { page, east, west, gateway: () => gateway, startBackend, startGateway, complaints, config, log }
}

const alertsConfig = `logs: { files: [{ paths: [shop.log], service: shop }], own: false }
alerts:
  rules: [rules.json]
  builtIn: false
  receivers: { ops: { webhook: { url: 'http://127.0.0.1:9/' } } }
`

async function address(): Promise<string> {
  return `127.0.0.1:${await freePort()}`
}
