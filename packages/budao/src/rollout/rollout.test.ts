import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Gateway } from '@budao/gateway'
import {
  createSnapshot,
  type AuditRecord,
  type CompareAndSetResult,
  type CoordinationStore,
  type EventDraft,
  type RolloutReport,
  type Versioned,
} from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { rawConnect, rawServer, startEtcd, tempDir, type RawClient } from '@budao/testkit'
import { openStore } from '../control/providers/coordination.ts'
import { RolloutRole } from './rollout-role.ts'

/** A store that can be out of reach for one gateway. */
class CutStore implements CoordinationStore {
  cut = false
  readonly #store: CoordinationStore

  constructor(store: CoordinationStore) {
    this.#store = store
  }

  get(key: string): Promise<Versioned | null> {
    return this.cut ? Promise.reject(new Error('cut off')) : this.#store.get(key)
  }

  compareAndSet(key: string, version: number, value: unknown): Promise<CompareAndSetResult> {
    return this.cut ? Promise.reject(new Error('cut off')) : this.#store.compareAndSet(key, version, value)
  }

  watch(prefix: string, onChange: (key: string, record: Versioned) => void): { close(): void } {
    this.tell = onChange
    return this.#store.watch(prefix, (key, record) => {
      if (!this.cut) onChange(key, record)
    })
  }

  /** As if the store said so. */
  tell: (key: string, record: Versioned) => void = () => {}
}

interface Node {
  readonly role: RolloutRole
  readonly store: CutStore
  readonly client: RawClient
  /** What of the users gets the release now, of 10 000. */
  share(): number
}

/** Two gateways over one store, and what they answer with; `canary.status` is what the release answers. */
class World {
  readonly events: EventDraft[] = []
  readonly nodes: Node[] = []
  readonly canary = { status: 200, requests: 0 }
  readonly failed: number[] = []
  /** What users were answered with. */
  readonly answers: Set<string> = new Set()
  /** Where each gateway keeps its data. */
  readonly folders: string[] = []

  static async start(t: TestContext, rollout: object, etcd?: string): Promise<World> {
    const world = new World()
    const stable = await rawServer(t, ({ connection }) => connection.respond(200, 'stable'))
    const release = await rawServer(t, ({ connection }) => {
      world.canary.requests++
      connection.respond(world.canary.status, 'canary')
    })
    const shared = await openStore(
      etcd === undefined
        ? { type: 'sqlite', path: join(tempDir(t), 'control.db') }
        : { type: 'etcd', endpoints: [etcd], prefix: 'budao/', timeout: 2_000 },
      tmpdir(),
    )
    for (const name of ['gw-1', 'gw-2']) {
      const read = parseConfig(
        JSON.stringify({
          version: 1,
          node: { name, site: 'east' },
          sites: { east: {} },
          listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
          services: {
            shop: {
              endpoints: [
                { address: stable.address, site: 'east' },
                { address: release.address, site: 'east', release: 'canary' },
              ],
            },
          },
          routes: [{ name: 'shop', backends: [{ service: 'shop' }], split: { by: ['header:X-User'] } }],
          rollouts: { two: { route: 'shop', release: 'canary', lease: '3s', ...rollout } },
        }),
        'test.json',
      )
      assert.ok(read.ok, JSON.stringify(read))
      const { config } = read
      const report = (event: EventDraft): void => void world.events.push(event)
      const env = { baseDir: tempDir(t), report, warn: () => {} }
      world.folders.push(join(env.baseDir, config.dataDir))
      const gateway = new Gateway(config, { version: '0', ...env })
      t.after(() => gateway.close())
      await gateway.start(createSnapshot(config, 'test.json', 0, Date.now()))
      const store = new CutStore(shared)
      const role = await RolloutRole.start(config, { ...env, gateway, store })
      t.after(() => role.close())
      const client = await rawConnect(t, Number(gateway.addresses['web']!.split(':').at(-1)))
      world.nodes.push({ role, store, client, share: () => gateway.rollouts.shareOf('two') })
    }
    t.after(() => shared.close())
    return world
  }

  /** One request of each of so many users at each gateway. */
  async ask(users: number): Promise<void> {
    for (const { client } of this.nodes)
      for (let user = 0; user < users; user++) {
        client.send(`GET / HTTP/1.1\r\nHost: shop.example\r\nX-User: u${user}\r\n\r\n`)
        const { status, body } = await client.readResponse()
        this.answers.add(body)
        if (status !== 200) this.failed.push(status)
      }
  }

  /** Traffic until it holds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const end = performance.now() + 30_000
    while (!holds()) {
      assert.ok(
        performance.now() < end,
        `waited in vain for: ${what}; ${JSON.stringify(this.nodes[0]!.role.desk.reports())}`,
      )
      await this.ask(25)
      await pause(10)
    }
  }

  wish(node: number, action: 'start' | 'abort' | 'retry'): ReturnType<RolloutRole['desk']['wish']> {
    return this.nodes[node]!.role.desk.wish({ name: 'two', action, by: 'lin', reason: '' })
  }

  /** What people were told, but that a step waits. */
  kinds(): string[] {
    return this.events
      .map(({ kind }) => kind)
      .filter((kind) => kind.startsWith('rollout.') && kind !== 'rollout.held')
  }
}

for (const store of ['sqlite', 'etcd']) {
  test(`${store}: a release comes to both gateways step by step, turns bad, and goes back from both by itself`, async (t) => {
    const members = store === 'etcd' ? await startEtcd(t) : []
    if (members === undefined) return
    await comesAndGoesBack(t, members[0]?.endpoint)
  })
}

async function comesAndGoesBack(t: TestContext, etcd: string | undefined): Promise<void> {
  const steps = [
    { basisPoints: 1_000, for: '500ms', requests: 20 },
    { basisPoints: 5_000, for: '1h' },
  ]
  const world = await World.start(t, { steps }, etcd)
  const { nodes, canary } = world
  assert.ok((await world.wish(0, 'start')).ok)
  await world.until('the first step is at both', () => nodes.every(({ share }) => share() >= 1_000))
  await world.until('the second step is at both', () => nodes.every(({ share }) => share() === 5_000))
  assert.ok(canary.requests > 0)
  assert.deepEqual(world.failed, [])

  // It turns bad: what fails there is repeated at stable, so that nobody sees it; the verdict does.
  canary.status = 503
  await world.until('it is sent back', () => world.kinds().includes('rollout.aborted'))
  await world.until('both gateways give it nothing', () => nodes.every(({ share }) => share() === 0))
  const told = canary.requests
  await world.ask(50)
  assert.equal(canary.requests, told)
  assert.deepEqual(world.failed, [])
  assert.deepEqual(world.kinds(), ['rollout.started', 'rollout.step', 'rollout.aborted'])
  const aborted = world.events.find(({ kind }) => kind === 'rollout.aborted')!
  assert.match(aborted.message, /sent back: \d+ of its \d+ requests failed, 0 of \d+ at stable/)
  const { phase, verdict } = nodes[1]!.role.desk.reports()[0]!
  assert.deepEqual([phase, verdict!.kind], ['aborted', 'abort'])

  // Not again by accident; again when a person says so, at any gateway.
  const again = await world.wish(1, 'start')
  assert.ok(!again.ok && again.why.includes('retry'))
  canary.status = 200
  assert.ok((await world.wish(1, 'retry')).ok)
  await world.until('it is tried again at both', () => nodes.every(({ share }) => share() >= 1_000))

  // A gateway that hears nothing gives it nothing any more when its lease is over; a person's abort does not wait for it.
  nodes[1]!.store.cut = true
  assert.ok((await world.wish(0, 'abort')).ok)
  assert.equal(nodes[0]!.share(), 0)
  const late = await world.wish(1, 'abort')
  assert.ok(!late.ok && late.why.includes('does not answer'))
  await world.until('the lease of the other is over', () => nodes[1]!.share() === 0)
  nodes[1]!.store.cut = false
  await world.until('it hears of it', () => nodes[1]!.role.desk.reports()[0]!.phase === 'aborted')
}

test('copies show a release before anybody has it, a program is asked about it, and the audit log says what was decided', async (t) => {
  let answer = '{}'
  const hook = await rawServer(t, ({ connection }) => connection.respond(200, answer))
  const world = await World.start(t, {
    steps: [
      { mirrorBasisPoints: 10_000, for: '500ms', requests: 20 },
      { basisPoints: 10_000, for: '1h' },
    ],
    analysis: {
      paid: { webhook: { url: `http://${hook.address}/` }, min: 0.9, interval: '500ms', timeout: '400ms' },
    },
  })
  const { nodes, canary } = world
  const reports = (): RolloutReport => nodes[0]!.role.desk.reports()[0]!
  assert.ok((await world.wish(0, 'start')).ok)
  await world.until('the release is shown copies', () => canary.requests > 100)
  await world.until('nobody knows the number', () =>
    reports().why.includes('paid: expected {"value": a number}'),
  )
  assert.deepEqual([...world.answers], ['stable'], 'copies are no answers')
  assert.deepEqual([reports().step, reports().basisPoints, reports().analysis[0]!.outcome], [0, 0, 'silent'])
  const { canaryRequests, stableRequests } = reports().verdict!.numbers
  assert.ok(canaryRequests! > 20 && stableRequests! > 20, JSON.stringify(reports().verdict))

  answer = '{"value": 0.95}'
  await world.until('it goes on', () => nodes.every(({ share }) => share() === 10_000))
  answer = '{"value": 0.1}'
  await world.until('it is sent back', () => reports().phase === 'aborted')
  assert.match(reports().why, /paid is 0.1, at least 0.9 is asked: 1 measurements outside, 0 allowed/)
  await world.until('the other gateway hears of it', () => nodes.every(({ share }) => share() === 0))
  const told = canary.requests
  await world.ask(20)
  assert.equal(canary.requests, told, 'neither users nor copies')
  assert.deepEqual(world.failed, [])

  // Each node records what it decided: here the one where it was started.
  const audit = (): AuditRecord[] =>
    readFileSync(join(world.folders[0]!, 'audit.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord)
  await world.until('the last of them is written', () => audit().length === 3)
  const records = audit()
  assert.deepEqual(
    records.map(({ action, previous }, index) => [
      action,
      previous === (records[index - 1]?.hash ?? previous),
    ]),
    [
      ['rollout.started', true],
      ['rollout.step', true],
      ['rollout.aborted', true],
    ],
  )
  assert.equal(records[0]!.actor, 'lin')
})

test('behind a contract a bad release stays, a person is told, and force with a reason takes it back at once', async (t) => {
  const schema = { phase: 'contract', change: 'drop orders.note', after: 'two-migrate' }
  const world = await World.start(t, { steps: [{ basisPoints: 5_000, for: '1h' }], schema })
  const { nodes, canary } = world
  const early = await world.wish(0, 'start')
  assert.ok(!early.ok && early.why.includes('comes after two-migrate, which was not started'))
  assert.ok((await nodes[0]!.store.compareAndSet('rollout/two-migrate', 0, { phase: 'promoted' })).ok)
  assert.ok((await world.wish(0, 'start')).ok)
  canary.status = 503
  await world.until('a person is told', () => world.kinds().includes('rollout.blocked'))
  assert.deepEqual(world.kinds(), ['rollout.started', 'rollout.blocked'])
  const refused = await world.wish(1, 'abort')
  assert.ok(!refused.ok && refused.why.includes('roll forward'))
  assert.deepEqual(
    nodes.map(({ share }) => share()),
    [5_000, 5_000],
  )
  const desk = nodes[1]!.role.desk
  const wish = { name: 'two', action: 'abort', by: 'lin', force: true } as const
  assert.ok((await desk.wish({ ...wish, reason: 'restored from the backup' })).ok)
  assert.equal(nodes[1]!.share(), 0)
  await world.until('the other hears of it', () => nodes[0]!.share() === 0)
})

test('a record that comes late gives nobody anything back', async (t) => {
  const world = await World.start(t, { steps: [{ basisPoints: 5_000, for: '1h' }] })
  const [one, other] = world.nodes
  assert.ok((await world.wish(0, 'start')).ok)
  await world.until('it is at both', () => world.nodes.every(({ share }) => share() === 5_000))
  const late = (await one!.store.get('rollout/two'))!
  assert.ok((await world.wish(0, 'abort')).ok)
  await world.until('it is at none', () => world.nodes.every(({ share }) => share() === 0))
  other!.store.tell('rollout/two', late)
  assert.deepEqual([other!.share(), other!.role.desk.reports()[0]!.phase], [0, 'aborted'])
  // And nobody can store it over the newer one.
  assert.ok(!(await other!.store.compareAndSet('rollout/two', late.version, late.value)).ok)
})

test('whoever looks after it dies: another gateway goes on, and a gateway that hears nobody stops', async (t) => {
  const world = await World.start(t, { steps: [{ basisPoints: 2_000, for: '1h' }] })
  const { nodes, canary } = world
  assert.ok((await world.wish(0, 'start')).ok)
  await world.until('it is at both', () => nodes.every(({ share }) => share() === 2_000))
  const [first] = nodes[1]!.role.desk.reports()
  await nodes[0]!.role.close()
  await world.until('the other looks after it', () => {
    const { holder } = nodes[1]!.role.desk.reports()[0]!
    return holder !== null && holder !== first!.holder
  })
  canary.status = 500
  await world.until('it is sent back', () => nodes[1]!.role.desk.reports()[0]!.phase === 'aborted')
  assert.equal(nodes[1]!.share(), 0)
  await world.until('the lease of the one that hears nothing is over', () => nodes[0]!.share() === 0)
})

test('a drill makes a good release a bad one at both gateways, for a while: its endpoints meet nothing of it', async (t) => {
  const world = await World.start(t, { steps: [{ basisPoints: 5_000, for: '1h' }] })
  const { nodes, canary } = world
  const late = async (): Promise<number> => {
    const begun = performance.now()
    await world.ask(10)
    return performance.now() - begun
  }
  assert.ok((await world.wish(0, 'start')).ok)
  await world.until('it is at both', () => nodes.every(({ share }) => share() === 5_000))
  assert.equal(await nodes[0]!.role.faults.set('two', 'slow', 60_000), null)
  // Half of the users, six of ten of their requests half a second: many of twenty, which is no matter of luck.
  await world.until('answers are late', () => canary.requests > 0)
  while ((await late()) < 1_000) assert.equal(world.failed.length, 0)
  assert.equal(await nodes[0]!.role.faults.set('two', 'errors', 60_000), null)
  await world.until('it is sent back', () => world.kinds().includes('rollout.aborted'))
  await world.until('both gateways give it nothing', () => nodes.every(({ share }) => share() === 0))
  assert.deepEqual(world.failed, [])
  // It was well all the time, and is again.
  assert.equal(await nodes[1]!.role.faults.set('two', null, 0), null)
  assert.ok((await world.wish(1, 'retry')).ok)
  await world.until('it is at both again', () => nodes.every(({ share }) => share() === 5_000))
  await world.ask(50)
  assert.deepEqual(world.failed, [])
  assert.equal(nodes[0]!.role.desk.reports()[0]!.phase, 'running')
})
