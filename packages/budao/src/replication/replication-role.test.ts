import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BudaoEvent, LogsAnswer, ReplicationStatus } from '@budao/model'
import { freePort, startNode, tempDir, type TestProcess } from '@budao/testkit'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

test(
  '`budao up` carries the data of its site: it says how far it is, what went wrong, and which writes did not make it',
  { timeout: 300_000 },
  async (t) => {
    const folder = tempDir(t)
    const ports = {
      east: [await freePort(), await freePort()],
      west: [await freePort(), await freePort()],
    } as const
    for (const site of ['east', 'west'] as const) {
      mkdirSync(join(folder, site))
      const config = {
        version: 1,
        node: { name: `gw-${site}`, site },
        dataDir: `./${site}`,
        sites: { east: {}, west: {} },
        admin: { address: `127.0.0.1:${ports[site][0]}` },
        listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
        routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
        ...(site === 'west' ? { logs: {} } : {}),
        replication: {
          listen: `127.0.0.1:${ports[site][1]}`,
          sites: {
            east: { url: `http://127.0.0.1:${ports.east[1]}` },
            west: { url: `http://127.0.0.1:${ports.west[1]}` },
          },
          database: { sqlite: { path: `${site}.db` } },
          tables: { orders: { rule: 'last-writer' } },
        },
      }
      writeFileSync(join(folder, `${site}.yaml`), JSON.stringify(config))
    }
    const up = (site: 'east' | 'west'): TestProcess =>
      startNode(t, [main, 'up', '-c', `${site}.yaml`], { cwd: folder })
    const [east, west] = [up('east'), up('west')]
    const admin = (site: 'east' | 'west'): string => `http://127.0.0.1:${ports[site][0]}`
    const replicator = (site: 'east' | 'west'): string => `http://127.0.0.1:${ports[site][1]}`
    await until('both are well', async () => {
      const [there, here] = await Promise.all([statusOf(admin('east')), statusOf(admin('west'))])
      const known = [there, here].map((each) => each?.report?.incoming[0]?.lagMs ?? null)
      return known.every((lagMs) => lagMs !== null) && here?.report?.alarms.length === 0
    })
    assert.match(
      await (await fetch(`${admin('west')}/metrics`)).text(),
      /budao_replication_behind_seconds\{site="east"\}/,
    )
    const text = await budao(t, folder, 0, 'status', '-c', 'west.yaml')
    assert.match(text, /west → east +running/)

    // East writes what does not reach west before west writes in the next epoch.
    west.child.kill('SIGKILL')
    await west.exited()
    const order = { id: 'order-7', op: 'create', table: 'orders', payload: { id: 7 } }
    await post(`${replicator('east')}/v1/events`, order)
    east.child.kill('SIGKILL')
    await east.exited()
    up('west')
    await until('west is there', async () => (await statusOf(admin('west')))?.report != null)
    await post(`${replicator('west')}/v1/fence`, { origin: 'east', epoch: 2 })
    up('east')
    await until('the write is named in an event', async () => {
      const { events } = (await (await fetch(`${admin('west')}/api/v1/events`)).json()) as {
        events: BudaoEvent[]
      }
      return events.some(
        ({ kind, evidence }) => kind === 'replication.writes-ended' && evidence['ids'] === 'order-7',
      )
    })
    assert.match(await budao(t, folder, 1, 'events', 'ended', '-c', 'west.yaml'), /^east order-7$/m)
    const there = await budao(t, folder, 1, 'events', 'unreplicated', 'west', '-c', 'east.yaml')
    assert.match(there, /^order-7 \(refused there/m)
    await until('its reports are among the logs', async () => {
      const answer = await fetch(`${admin('west')}/api/v1/logs?filter=event.dataset:budao.replicator`)
      const { records } = (await answer.json()) as LogsAnswer
      // Once a minute, and when an alarm begins or ends.
      const [last] = records.filter(({ severityText }) => severityText === 'error')
      return last?.attributes['ended'] === 1 && /writes-ended \(east\)/.test(last.body)
    })
    assert.match(
      await budao(t, folder, 1, 'status', '-c', 'west.yaml'),
      /1 writes of east were not applied at west/,
    )
  },
)

async function statusOf(url: string): Promise<ReplicationStatus | null> {
  const answer = await fetch(`${url}/api/v1/replication`).catch(() => null)
  return answer === null || !answer.ok ? null : ((await answer.json()) as ReplicationStatus)
}

async function post(url: string, body: object): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  assert.ok(answer.ok, await answer.text())
}

async function budao(t: TestContext, folder: string, code: number, ...args: string[]): Promise<string> {
  const run = startNode(t, [main, ...args], { cwd: folder })
  assert.equal(await run.exited(), code, run.output)
  return run.output
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within 60 s: ${what}`)
    await pause(50)
  }
}
