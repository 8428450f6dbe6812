import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RolloutReport } from '@budao/model'
import { startEtcd, startNode, tempDir, type TestProcess } from '@budao/testkit'
import type { ReleaseDrillReport } from '../packages/budao/src/drill/release/release-report.ts'
import { requireChromium, startChromium } from './browser.ts'
import { gateways, RolloutWorld, type GatewayName } from './rollout-world.ts'

const users = Array.from({ length: 60 }, (_, index) => `sticky-${index}`)

test('three gateways roll a release out: who looks after it is killed, one is cut off, a bad release goes back', async (t) => {
  const etcd = await startEtcd(t)
  if (etcd === undefined) return
  const store = { type: 'etcd', endpoints: [etcd[0]!.endpoint] }
  const rollout = {
    lease: '4s',
    steps: [
      { basisPoints: 2_000, for: '1s', requests: 20, pause: true },
      { basisPoints: 5_000, for: '1s', requests: 20 },
      { basisPoints: 10_000, for: '1h' },
    ],
  }
  const world = await RolloutWorld.start(t, rollout, store)
  const reportOf = async (name: GatewayName): Promise<RolloutReport> => {
    let report: RolloutReport | null = null
    await world.until(`${name} tells of it`, async () => (report = await world.report(name)) !== null)
    return report!
  }
  const everywhere = (what: string, share: number): Promise<void> =>
    world.until(`${what} at all three`, async () =>
      (await Promise.all(gateways.map((name) => world.share(name)))).every((each) => each === share),
    )
  const holder = async (asked: GatewayName): Promise<GatewayName> => {
    let name: GatewayName | undefined
    await world.until('somebody looks after it', async () => {
      const { holder: told } = await reportOf(asked)
      name = gateways.find((each) => told?.startsWith(`${each}#`) === true)
      return name !== undefined
    })
    return name!
  }
  /** Users are led away first: what fails from then on is not because it was killed. */
  const killHolder = async (asked: GatewayName): Promise<GatewayName> => {
    const name = await holder(asked)
    const before = (await reportOf(asked)).holder
    world.used.delete(name)
    await world.processes[name]!.kill()
    const other = gateways.find((each) => each !== name)!
    await world.until(`another one looks after it, ${name} is dead`, async () => {
      const { holder: now, phase } = await reportOf(other)
      return phase === 'promoted' || phase === 'aborted' || (now !== null && now !== before)
    })
    world.run(name)
    await world.ready(name)
    world.used.add(name)
    return other
  }
  const places = async (name: GatewayName): Promise<readonly string[]> => {
    const canary: string[] = []
    for (const user of users) if ((await world.ask(name, user)).release === 'canary') canary.push(user)
    return canary
  }

  await t.test(
    'a user has one release at all gateways, also at one that was killed and began anew',
    async () => {
      await world.wished('gw-1', 'start', 'running')
      await everywhere('a fifth of the users', 0.2)
      const first = await places('gw-1')
      assert.ok(first.length > 2 && first.length < 30, `${first.length} of ${users.length}`)
      assert.deepEqual(await places('gw-2'), first)
      // Nobody asks: no requests, no verdict, no next step.
      const asked = await killHolder('gw-1')
      await everywhere('a fifth of the users', 0.2)
      assert.deepEqual(await places('gw-1'), first)
      assert.equal((await reportOf(asked)).step, 0)
    },
  )

  await t.test('killed at a pause, it goes on where it was; nobody sees a change', async () => {
    for (const name of gateways) world.used.add(name)
    world.load()
    await world.until('it waits for a person', async () => (await reportOf('gw-2')).phase === 'paused')
    const paused = await reportOf('gw-2')
    const asked = await killHolder('gw-2')
    const after = await reportOf(asked)
    assert.deepEqual([after.phase, after.step, after.generation], ['paused', 0, paused.generation])
    await world.wished(asked, 'resume', 'running')
    await everywhere('everybody', 1)
    assert.equal((await reportOf(asked)).step, 2)
  })

  await t.test(
    'a bad release goes back from all that are reached, and from one that is cut off with its lease',
    async () => {
      await world.wished('gw-1', 'abort', 'aborted')
      await everywhere('nobody', 0)
      assert.notEqual(await world.wish('gw-2', 'abort'), 200, 'twice is said')
      assert.notEqual(await world.wish('gw-2', 'start'), 200, 'not again by accident')
      await world.wished('gw-2', 'retry', 'running')
      await everywhere('a fifth of the users', 0.2)
      const deaf = gateways.find((name) => name !== 'gw-2')!
      await world.cut(deaf, 60_000)
      world.canary.status = 503
      const others = gateways.filter((name) => name !== deaf)
      await world.until('the others sent it back', async () =>
        (await Promise.all(others.map((name) => world.share(name)))).every((each) => each === 0),
      )
      assert.match((await reportOf('gw-2')).why, /of its \d+ requests failed/)
      await world.until('its lease is over', async () => (await world.share(deaf)) === 0)
      await world.cut(deaf, 0)
      await world.until('it hears of it', async () => (await reportOf(deaf)).phase === 'aborted')
      const requests = world.canary.requests
      for (const name of gateways) assert.deepEqual(await places(name), [])
      assert.equal(world.canary.requests, requests)
    },
  )

  await t.test(
    'it turns bad in the moment in which whoever would see it dies: the next one sends it back',
    async () => {
      world.canary.status = 200
      await world.wished('gw-1', 'retry', 'running')
      await everywhere('a fifth of the users', 0.2)
      world.canary.status = 503
      const asked = await killHolder('gw-1')
      await world.until('it is sent back', async () => (await reportOf(asked)).phase === 'aborted')
      await everywhere('nobody', 0)
    },
  )

  await t.test(
    'whoever decided is killed: what is stored stays, and each decision was told once',
    async () => {
      const decisions = world.decisions()
      const generations = decisions.map(({ generation }) => generation)
      assert.deepEqual(generations, [...new Set(generations)], JSON.stringify(decisions))
      const epochs = decisions.map(({ epoch }) => epoch)
      assert.deepEqual(
        epochs,
        epochs.toSorted((a, b) => a - b),
        JSON.stringify(decisions),
      )
      await world.rest()
      world.used.clear()
      await world.processes['gw-2']!.kill()
      world.run('gw-2')
      await world.ready('gw-2')
      await world.until('it knows', async () => (await reportOf('gw-2')).phase === 'aborted')
      assert.equal(await world.share('gw-2'), 0)
      for (const name of gateways) {
        const { answered, failed } = world.seen[name]!
        assert.ok(answered > 0, name)
        assert.equal(failed, 0, `${name}: ${failed} of ${answered + failed} failed`)
      }
    },
  )

  await t.test(
    'a drill makes a good release a bad one, sees it go back everywhere, and leaves nothing of it',
    async () => {
      world.canary.status = 200
      const out = tempDir(t)
      const drill = (...args: string[]): TestProcess => {
        const given = ['-c', world.file('gw-2'), '--rate', '100', '--out', out, '--json', '--yes', ...args]
        return startNode(t, ['packages/budao/src/main.ts', 'drill', 'bad-release', ...given])
      }
      const refused = drill()
      assert.equal(await refused.exited(), 1)
      assert.match(refused.output, /not ready, nothing was broken:.*sent back by verdict/s)
      const done = drill('--kind', 'crashing', '--force', '--reason', 'another build')
      const code = await done.exited()
      const report = JSON.parse(done.output.slice(done.output.indexOf('\n{'))) as ReleaseDrillReport
      const broken = report.invariants.filter(({ name, holds }) => !holds && name !== 'none-left')
      assert.deepEqual(broken, [], done.output)
      // How soon depends on what else this machine does.
      assert.equal(code, report.passed ? 0 : 1)
      assert.deepEqual(
        report.wayBack.map(({ node }) => node),
        ['gw-2', 'gw-1', 'gw-3'],
      )
      assert.ok(
        report.wayBack.every(({ zeroAfterMs }) => zeroAfterMs !== null),
        done.output,
      )
      assert.ok(report.requests.sent > 100 && report.canaryErrors > 0 && report.canaryRequests > 0)
      assert.match(readFileSync(join(out, `${report.id}.html`), 'utf8'), /A bad release: two/)
      assert.equal((await world.ask('gw-2', 'anybody')).status, 200)
      assert.equal((await reportOf('gw-1')).phase, 'aborted')
      world.canary.status = 503
    },
  )

  await t.test(
    'on the console a bad release is started, and seen to go back; in Chinese, and by keyboard, too',
    async () => {
      const chromium = await requireChromium(t)
      if (chromium === undefined) return
      const browser = await startChromium(t, chromium)
      const page = await (await browser.newContext({ locale: 'en-US' })).newPage()
      const complaints: string[] = []
      page.on('pageerror', ({ message }) => complaints.push(message))
      await page.goto(`${world.url('gw-3')}/#/releases`)
      await page.waitForSelector('[data-rollout=two][data-phase=aborted]')
      await page.focus('[data-release-wish=retry]')
      await page.keyboard.press('Enter')
      await page.waitForSelector('#release[open]')
      await page.click('#release [type=submit]')
      assert.equal(await page.locator('#release[open]').count(), 1, 'without a reason nothing happens')
      await page.fill('#release [name=reason]', 'another build')
      await page.fill('#release [name=by]', 'ann')
      await page.keyboard.press('Enter')
      await page.waitForSelector('[data-rollout=two][data-phase=running]')
      await page.waitForSelector('[data-releasing="1"]')
      const shown = await page.textContent('[data-rollout=two]')
      assert.match(shown!, /20 % of the users.*step 1 of 3.*tried again by ann: another build/)
      // It still answers 503.
      await world.until('it is sent back', async () => {
        for (const name of gateways) await places(name)
        return (await reportOf('gw-3')).phase === 'aborted'
      })
      await page.waitForSelector('[data-rollout=two][data-phase=aborted]')
      await page.waitForSelector('[data-verdict=abort]')
      // A line without height counts as hidden.
      await page.waitForSelector('[data-chart=evidence] path', { state: 'attached' })
      await page.waitForSelector('#release-events [data-event="rollout.started"]')
      await page.setViewportSize({ width: 360, height: 740 })
      const folder = process.env['BUDAO_SCREENSHOTS']
      if (folder !== undefined) await page.screenshot({ path: `${folder}/releases-360.png`, fullPage: true })
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      assert.ok((wide as number) <= 360, `${String(wide)} px wide`)
      await page.setViewportSize({ width: 1280, height: 900 })
      if (folder !== undefined) await page.screenshot({ path: `${folder}/releases.png`, fullPage: true })
      await page.click('#language')
      await page.waitForSelector('text=已回退')
      if (folder !== undefined) await page.screenshot({ path: `${folder}/releases-zh.png`, fullPage: true })
      assert.deepEqual(complaints, [])
    },
  )
})
