import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { consoleFiles } from '@budao/console'
import { createAdminServer, EventLog } from '@budao/controller'
import { tempDir } from '@budao/testkit'
import { LocalDesk } from '../packages/controller/test/local-desk.ts'
import { MemorySource } from '../packages/controller/test/memory-source.ts'
import { requireChromium, startChromium } from './browser.ts'

test('on the console a unit is moved, failed back, acknowledged, and its automation set, each with name and reason', async (t) => {
  const chromium = await requireChromium(t)
  if (chromium === undefined) return
  const source = new MemorySource(await EventLog.open())
  const desk = new LocalDesk({ path: join(tempDir(t), 'coordination.db'), units: ['shop/east'] })
  t.after(() => desk.close())
  source.desk = desk
  const server = await createAdminServer({ source, address: '127.0.0.1:0', consoleFiles: consoleFiles() })
  t.after(() => server.close())
  while (desk.reports()[0]!.lease !== 'held') await sleep(20)
  const browser = await startChromium(t, chromium)
  const page = await (await browser.newContext({ locale: 'en-US' })).newPage()
  const complaints: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  await page.goto(server.url)

  const wish = async (kind: string): Promise<void> => {
    await page.click(`[data-wish=${kind}][data-wish-unit="shop/east"]`)
    await page.waitForSelector('#wish[open]')
  }
  await page.waitForSelector('[data-unit="shop/east"][data-owner=east]')
  await wish('move')
  await page.click('#wish [type=submit]')
  assert.equal(await page.locator('#wish[open]').count(), 1, 'without a reason nothing happens')
  await page.check('#wish [value=failover]')
  await page.fill('#wish [name=reason]', 'east burns')
  await page.fill('#wish [name=by]', 'ann')
  await page.click('#wish [type=submit]')
  await page.waitForSelector('#wish-force:not([hidden])')
  assert.match((await page.textContent('#wish-problem'))!, /east is well: a switchover loses nothing/)
  await page.check('#wish [value=switchover]')
  await page.click('#wish [type=submit]')
  await page.waitForSelector('[data-unit="shop/east"][data-owner=west] [data-outcome=done]')
  assert.match(
    (await page.textContent('[data-run="shop/east@1"]'))!,
    /Switchover east → west.*ann: east burns/,
  )

  await wish('failback')
  assert.equal(await page.inputValue('#wish [name=by]'), 'ann', 'the name is remembered')
  await page.fill('#wish [name=reason]', 'it was the neighbour')
  await page.click('#wish [type=submit]')
  await page.waitForSelector('[data-owner=east] [data-run="shop/east@2"][data-outcome=done]')

  desk.stop('east')
  desk.say('east', 'down')
  await page.click('[data-wish=why]')
  await page.waitForSelector('#why[open] [data-votes=east] [data-vote=witness]')
  await page.click('#why [value=cancel]')
  await page.waitForSelector('[data-wish=acknowledge]', { timeout: 20_000 })
  await wish('acknowledge')
  await page.fill('#wish [name=reason]', 'seen')
  await page.click('#wish [type=submit]')
  await page.waitForSelector('[data-wish=acknowledge]', { state: 'detached' })

  await wish('automation')
  await page.check('#wish [value=advise]')
  await page.fill('#wish [name=reason]', 'network work')
  await page.click('#wish [type=submit]')
  await page.waitForSelector('text=automation: advise')
  const acts = desk.records.filter(({ actor }) => actor === 'ann').map(({ action }) => action)
  assert.deepEqual(
    new Set(acts),
    new Set(['run.refused', 'run.started', 'acknowledged', 'automation.changed']),
  )
  assert.deepEqual(complaints, [])
})
