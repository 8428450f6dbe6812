import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startNode, type TestProcess } from '@budao/testkit'
import { startDemo } from '../packages/budao/src/drill/demo.ts'
import type { DrillReport } from '../packages/budao/src/drill/drill-report.ts'
import type { JournalEntry } from '../packages/budao/src/drill/journal.ts'
import { requireChromium, startChromium } from './browser.ts'

const main = 'packages/budao/src/main.ts'
const timed: readonly string[] = ['within-rto', 'always-served']
const short = ['--rate', '60', '--duration', '4s', '--kill-after', '500ms', '--for', '1s', '--yes']

test('drills of the demo: a game day, Ctrl-C, SIGKILL of the drill and of its guard', async (t) => {
  await using demo = await startDemo()
  const config = demo.configs[0]!
  const out = mkdtempSync(join(tmpdir(), 'budao-drills-'))
  t.after(() => rmSync(out, { recursive: true, force: true }))
  const drill = (...args: string[]) => startNode(t, [main, 'drill', ...args, '-c', config, '--out', out])
  const journal = join(out, 'running.json')
  /** Begins one as soon as everything is ready for it: on a busy machine a unit may just be on its way. */
  const begin = async (...args: string[]): Promise<{ one: TestProcess; entry: JournalEntry }> => {
    for (let left = 10; ; left--) {
      const one = drill(...args)
      while (!existsSync(journal) && one.running) await sleep(20)
      if (existsSync(journal))
        return { one, entry: JSON.parse(readFileSync(journal, 'utf8')) as JournalEntry }
      assert.ok(left > 0 && /not ready/.test(one.output), one.output)
      await sleep(1_000)
    }
  }

  await t.test('scenarios one after the other: each is reported, everything comes back', async () => {
    const only = ['black-hole', 'leader-loss', 'control-partition', 'dns-loss']
    const day = drill(
      'game-day',
      '--site',
      'east',
      ...only.flatMap((name) => ['--only', name]),
      ...short,
      '--json',
    )
    const code = await day.exited()
    const { reports, left } = JSON.parse(day.output.slice(day.output.indexOf('\n{'))) as {
      reports: DrillReport[]
      left: { scenario: string; because: string }[]
    }
    assert.equal(code, reports.every(({ passed }) => passed) ? 0 : 1, day.output)
    assert.deepEqual(left, [])
    assert.deepEqual(
      reports.map(({ scenario }) => scenario),
      only,
    )
    for (const report of reports) {
      const { scenario, writes, restored, requests } = report
      // How long users waited depends on what else this machine does; everything else must hold.
      const broken = report.invariants.filter(({ name, holds }) => holds === false && !timed.includes(name))
      assert.deepEqual(broken, [], JSON.stringify(report, null, 1))
      assert.ok(requests.sent >= 200 && writes!.requests.sent >= 70, scenario)
      assert.equal(writes!.checked, writes!.requests.ok, scenario)
      assert.deepEqual([writes!.lost, writes!.unknown, writes!.rpoMs], [0, 0, 0], scenario)
      assert.equal(restored, true, scenario)
      assert.ok(scenario === 'leader-loss' || report.restoredAfterMs! >= 1_000, scenario)
      assert.equal(writes!.named, writes!.requests.ok, 'each write says its epoch')
      assert.equal(writes!.olderEpochAccepted, false)
    }
    const [muted, other] = reports.at(-1)!.dns!
    assert.ok(muted!.answered < muted!.asked && muted!.longestSilenceMs >= 1_000, 'it was asked and silent')
    assert.ok(other!.answered > muted!.answered, 'whoever goes on to the other server is answered')
    const files = readdirSync(out).filter((name) => name.endsWith('.html'))
    assert.equal(files.length, reports.length)
    assert.ok(!existsSync(journal))
    const list = drill('list', '--json')
    await list.exited()
    assert.equal((JSON.parse(list.output) as { drills: unknown[] }).drills.length, reports.length)
  })

  await t.test('the page shows without scripts of others, wide and narrow, in both languages', async (p) => {
    const chromium = await requireChromium(p)
    if (chromium === undefined) return
    const browser = await startChromium(p, chromium)
    const file = readdirSync(out).find((name) => name.endsWith('.html'))!
    for (const width of [1180, 390]) {
      const page = await browser.newPage({ viewport: { width, height: 800 }, locale: 'zh-CN' })
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      page.on('pageerror', (error) => assert.fail(error))
      await page.goto(`file://${join(out, file)}`)
      assert.equal(asked.length, 1)
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
      assert.match(await page.innerText('.verdict'), /通过/)
      await page.click('button')
      assert.match(await page.innerText('.verdict'), /Passed/)
      await page.close()
    }
  })

  await t.test('Ctrl-C takes it back at once and reports', async () => {
    const long = short.with(3, '60s').with(7, '50s')
    const { one, entry } = await begin('hang', '--site', 'east', ...long, '--return-within', '60s')
    const { fault } = entry
    one.child.kill('SIGINT')
    assert.equal(await one.exited(), 1, one.output)
    assert.ok(!existsSync(journal))
    assert.match(one.output, /INTERRUPTED/)
    for (const { pid } of fault.kind === 'stop' ? fault.processes : []) assert.notEqual(stateOf(pid), 'T')
  })

  await t.test('SIGKILL of the drill: its guard takes it back', async () => {
    const { one, entry } = await begin('hang', '--site', 'east', ...short.with(3, '60s').with(7, '50s'))
    const { fault, id } = entry
    const { pid } = fault.kind === 'stop' ? fault.processes[0]! : assert.fail()
    while (stateOf(pid) !== 'T') await sleep(20)
    await one.kill()
    while (existsSync(journal)) await sleep(20)
    assert.notEqual(stateOf(pid), 'T')
    assert.ok(existsSync(join(out, `${id}.broken-off.json`)))
  })

  await t.test('SIGKILL of both: no other drill begins, until a person restores', async () => {
    const { one, entry } = await begin('hang', '--site', 'east', ...short.with(3, '60s').with(7, '50s'))
    const { fault } = entry
    const { pid } = fault.kind === 'stop' ? fault.processes[0]! : assert.fail()
    while (stateOf(pid) !== 'T') await sleep(20)
    for (const guard of childrenOf(one.pid)) process.kill(guard, 'SIGKILL')
    await one.kill()
    const refused = drill('hang', '--site', 'east', '--check')
    assert.equal(await refused.exited(), 1)
    assert.match(
      refused.output,
      /NOT READY {2}last-drill-restored: .*was broken off.*\n.*budao drill restore/,
    )
    assert.equal(stateOf(pid), 'T')
    assert.equal(await drill('restore').exited(), 0)
    assert.notEqual(stateOf(pid), 'T')
    assert.ok(!existsSync(journal))
  })
})

/** As the kernel writes it: R, S, D, T (stopped); empty elsewhere than on Linux, or when it is gone. */
function stateOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? ''
  } catch {
    return ''
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}
