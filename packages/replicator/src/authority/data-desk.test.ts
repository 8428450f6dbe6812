import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ChangeDraft, Config, ResyncReport } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { freePort, tempDir } from '@budao/testkit'
import { startReplicator, type RunningReplicator } from '../start-replicator.ts'
import type { DataQuestion } from './data-question.ts'

const never = new AbortController().signal
type Site = 'east' | 'west'

/** Two sites whose replicators can be stopped and started. */
class Sites {
  readonly running: Partial<Record<Site, RunningReplicator>> = {}
  readonly #configs: Record<Site, Config>
  readonly #folder: string

  private constructor(folder: string, configs: Record<Site, Config>) {
    this.#folder = folder
    this.#configs = configs
  }

  static async begin(t: TestContext): Promise<Sites> {
    const folder = tempDir(t)
    const ports = { east: await freePort(), west: await freePort() }
    const config = (site: Site): Config => {
      const parsed = parseConfig(
        JSON.stringify({
          version: 1,
          node: { name: site, site },
          dataDir: site,
          sites: { east: {}, west: {} },
          services: { shop: { endpoints: [{ address: '127.0.0.1:1', site }] } },
          listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
          routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], backends: [{ service: 'shop' }] }],
          replication: {
            listen: `127.0.0.1:${ports[site]}`,
            sites: {
              east: { url: `http://127.0.0.1:${ports.east}` },
              west: { url: `http://127.0.0.1:${ports.west}` },
            },
            database: { sqlite: { path: `${site}.db` } },
            peerTimeout: '300ms',
            onPeerLoss: 'degrade',
            tables: { orders: { service: 'shop', rule: 'last-writer', durability: 'sync' } },
          },
        }),
        'test',
      )
      assert.ok(parsed.ok, JSON.stringify(parsed))
      return parsed.config
    }
    const sites = new Sites(folder, { east: config('east'), west: config('west') })
    t.after(() => Promise.all([sites.stop('east'), sites.stop('west')]))
    return sites
  }

  async start(site: Site): Promise<RunningReplicator> {
    const config = this.#configs[site]
    const running = await startReplicator({ config, baseDir: join(this.#folder), onAlarm: () => {} })
    this.running[site] = running
    return running
  }

  async stop(site: Site): Promise<void> {
    await this.running[site]?.close()
    delete this.running[site]
  }
}

function order(id: string, right: Pick<ChangeDraft, 'unit' | 'epoch'> = {}): ChangeDraft {
  return { id, op: 'create', table: 'orders', payload: { id }, ...right }
}

function asked(unit: string, owner: Site, epoch: number, inSync: readonly string[] = []): DataQuestion {
  return { unit, service: 'shop', owner, epoch, inSync }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within 20 s: ${what}`)
    await pause(20)
  }
}

test('a lease moves with the data: who follows takes over, what did not arrive is named, who lost it comes back clean or not at all', async (t) => {
  const sites = await Sites.begin(t)
  let [east, west] = [await sites.start('east'), await sites.start('west')]
  assert.equal(await east.desk.take(asked('shop', 'east', 1)), null)
  await east.replicator.publish([order('a')], 'async', never)

  // The owner names who has everything, once it has; the other says how far it is.
  await until('west is in sync', async () => {
    const { inSync, lagMs } = await east.desk.position(asked('shop', 'east', 1))
    return inSync.includes('west') && lagMs === 0
  })
  const end = (await east.desk.position(asked('shop', 'east', 1))).position
  await until('west has what east had', async () => {
    const { position, lagMs, divergence, epoch } = await west.desk.position(asked('shop', 'east', 1))
    return position >= end && lagMs !== null && lagMs < 5_000 && divergence === 0 && epoch === 1
  })
  assert.equal(await west.desk.catchUp(asked('shop', 'east', 1)), null)

  // West goes silent: while the lease names it nothing is acknowledged, then it is, and announced.
  await east.desk.position(asked('shop', 'east', 1, ['west']))
  await sites.stop('west')
  const blocked = await east.replicator.publish([order('named')], 'sync', never)
  assert.equal(blocked.settled, 'unknown')
  assert.deepEqual((await east.desk.position(asked('shop', 'east', 1))).inSync, [])
  const free = await east.replicator.publish([order('lost')], 'sync', never)
  assert.equal(free.settled, 'degraded')

  // East dies, west comes and takes the next epoch: nothing of the one before is applied any more.
  await sites.stop('east')
  west = await sites.start('west')
  assert.equal((await west.desk.position(asked('shop', 'east', 1))).lagMs, null)
  assert.equal(await west.desk.take(asked('shop', 'west', 2)), null)
  await west.replicator.publish([order('b')], 'async', never)

  east = await sites.start('east')
  await until('the writes of east that did not make it are named', async () => {
    const { ended } = await west.replicator.report()
    return ended.some(({ origin, ids }) => origin === 'east' && ids.join() === 'named,lost')
  })
  // Told by the lease, or by west with its first word: east writes nothing under the old right.
  await east.desk.position(asked('shop', 'west', 2))
  await assert.rejects(east.replicator.publish([order('c')], 'async', never), { code: 'fenced' })
  // It comes back clean by itself: what was refused is undone here, both are compared, and at west it stays listed.
  let most = 0
  await until('east has undone what differs', async () => {
    const { divergence } = await east.desk.position(asked('shop', 'west', 2))
    most = Math.max(most, divergence)
    return most > 0 && divergence === 0 && (await resyncOf(east))?.phase === 'verified'
  })
  assert.equal(most, 2)
  assert.deepEqual(
    (await resyncOf(east))!.lost.map(({ id }) => id),
    ['named', 'lost'],
  )
  assert.deepEqual(
    (await letters(west)).map(({ reason }) => reason),
    ['undone', 'undone'],
  )
  assert.equal(await east.desk.catchUp(asked('shop', 'west', 2)), null)
  assert.equal(await east.desk.take(asked('shop', 'east', 3)), null)
  await east.replicator.publish([order('c')], 'async', never)
  await until('west has the write of epoch 3', async () => {
    const { applied } = west.replicator.follow('east')
    return applied >= (await east.replicator.end())
  })
})

test('of several units each has its own epochs, also after a restart', async (t) => {
  const sites = await Sites.begin(t)
  let [east, west] = [await sites.start('east'), await sites.start('west')]
  const mine = { unit: 'shop/east', epoch: 3 }
  await east.desk.take(asked('shop/east', 'east', 3))
  await west.desk.take(asked('shop/west', 'west', 9))
  await east.replicator.publish([order('1', mine)], 'sync', never)
  await west.replicator.publish([order('2', { unit: 'shop/west', epoch: 9 })], 'sync', never)

  // West takes over east’s unit: a write under the old right is refused by both, the other unit goes on.
  await west.desk.position(asked('shop/east', 'east', 3))
  assert.equal(await west.desk.take(asked('shop/east', 'west', 4)), null)
  await until('east was told by west', async () => {
    return await east.replicator.publish([order(`3-${performance.now()}`, mine)], 'async', never).then(
      () => false,
      (error: unknown) => (error as { code?: string }).code === 'fenced',
    )
  })
  await sites.stop('east')
  east = await sites.start('east')
  await assert.rejects(east.replicator.publish([order('4', mine)], 'async', never), { code: 'fenced' })
  const both = await west.replicator.publish([order('5', { unit: 'shop/east', epoch: 4 })], 'async', never)
  assert.equal(both.settled, 'here')
  await until('west’s write of east’s unit is at east', async () => {
    return east.replicator.follow('west').applied >= (await west.replicator.end())
  })
})

async function resyncOf(site: RunningReplicator): Promise<ResyncReport | null> {
  const answer = await fetch(`http://${site.address}/v1/resync`)
  return ((await answer.json()) as { resync: ResyncReport | null }).resync
}

async function letters(site: RunningReplicator): Promise<{ reason: string }[]> {
  const answer = await fetch(`http://${site.address}/v1/dead-letters`)
  return ((await answer.json()) as { deadLetters: { reason: string }[] }).deadLetters
}
