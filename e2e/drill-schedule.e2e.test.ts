import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, requireDebian, startNode, tempDir } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const patienceMs = 60_000

/** What of the overview of drills this test looks at. */
interface Overview {
  readonly schedule: readonly {
    readonly nextLocal: string
    readonly last: { readonly at: string; readonly outcome: string; readonly about: string } | null
  }[]
}

test('budao controller begins the drills of its schedule when the hour comes, says why one was not run, and when the next one is', async (t) => {
  const faketime = await requireDebian(t, 'libfaketime', '/usr/lib/*/faketime/libfaketime.so.1')
  if (faketime === undefined) return
  const folder = tempDir(t)
  writeFileSync(join(folder, 'secret'), 'what all nodes share\n')
  const [admin, link, web] = [await freePort(), await freePort(), await freePort()]
  const file = join(folder, 'controller.json')
  const endpoints = ['east', 'west'].map((site, index) => ({ address: `127.0.0.${index + 1}:${web}`, site }))
  const gateway = `http://127.0.0.1:${web}`
  const config = {
    version: 1,
    node: { name: 'third' },
    dataDir: 'data',
    sites: { east: {}, west: {} },
    admin: { address: `127.0.0.1:${admin}` },
    control: {
      address: `127.0.0.1:${link}`,
      token: { file: 'secret' },
      controller: true,
      witness: true,
      store: { type: 'sqlite', path: 'coordination.db' },
      peers: { third: { address: `127.0.0.1:${link}`, witness: true } },
    },
    services: { shop: { endpoints } },
    drills: {
      timezone: 'Asia/Shanghai',
      // Nobody is there: it is looked at, found not ready and refused, and nothing is broken.
      gateway: { admin: gateway, url: gateway },
      schedule: [{ name: 'weekly', scenario: 'hang', site: 'east', days: ['tue'], at: '10:30' }],
    },
  }
  writeFileSync(file, JSON.stringify(config))
  const clock = join(folder, 'clock')
  const setClock = (at: string): void => {
    const seconds = Math.round((Date.parse(at) - Date.now()) / 1_000)
    writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  }
  setClock('2026-12-01T02:20:00Z')
  const controller = startNode(t, [program, 'controller', '-c', file], {
    env: {
      ...process.env,
      ...{ LD_PRELOAD: faketime, FAKETIME_DONT_FAKE_MONOTONIC: '1' },
      ...{ FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_CACHE_DURATION: '1' },
    },
  })
  const until = async (holds: (overview: Overview) => boolean): Promise<Overview | null> => {
    const deadline = performance.now() + patienceMs
    let last: Overview | null = null
    while (performance.now() < deadline && controller.running) {
      const answer = await fetch(`http://127.0.0.1:${admin}/api/v1/drills`).catch(() => null)
      last = answer === null ? null : ((await answer.json()) as Overview)
      if (last !== null && holds(last)) break
      await sleep(50)
    }
    return last
  }
  await controller.waitForOutput(/third leads/, patienceMs)
  const before = await until(() => true)
  assert.equal(before?.schedule[0]?.nextLocal, 'tue 2026-12-01 10:30 Asia/Shanghai')
  setClock('2026-12-01T02:30:10Z')
  // It looks by itself within a minute; where its file is another one, at once. The library that sets the clock looks each second.
  let failedPercent = 50
  const telling = setInterval(() => {
    const drills = { ...config.drills, abort: { failedPercent: ++failedPercent } }
    writeFileSync(file, JSON.stringify({ ...config, drills }))
  }, 2_000)
  const seen = await until(({ schedule }) => schedule[0]?.last != null).finally(() => clearInterval(telling))
  const [drill] = seen?.schedule ?? []
  const said = `${JSON.stringify(seen)}\n${controller.output.slice(-4_000)}`
  assert.equal(drill?.last?.at, '2026-12-01T02:30:00.000Z', said)
  assert.equal(drill.last.outcome, 'refused', said)
  assert.equal(drill.nextLocal, 'tue 2026-12-08 10:30 Asia/Shanghai')
  assert.match(controller.output, /drill weekly \(hang of east\) was not run/)
})
