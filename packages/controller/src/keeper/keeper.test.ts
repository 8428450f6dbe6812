import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { CoordinationStore, OrderAnswer, Placement, SiteOrder, WriteLease } from '@budao/model'
import { fencedLease, grantedLease, leaseKey } from '@budao/model'
import { HeldLease, LocalCells } from '@budao/resilience'
import { tempDir } from '@budao/testkit'
import { SqliteCoordination } from '../providers/sqlite-coordination.ts'
import type { KeeperOptions } from './keeper-options.ts'
import { Keeper } from './keeper.ts'
import { openSiteData } from './open-site-data.ts'
import { sharedData, unknownData, type DataPosition, type SiteData } from './site-data.ts'

const terms = { ttlMs: 2_500, guardMs: 250 }

/** One time for all, and one file for all. */
class World {
  now = 1_000
  readonly store: SqliteCoordination
  readonly #timers: { at: number; run: () => void }[] = []

  constructor(t: TestContext) {
    this.store = new SqliteCoordination({ path: join(tempDir(t), 'coordination.db'), pollMs: 3_600_000 })
    t.after(() => this.store.close())
  }

  schedule = (run: () => void, ms: number): (() => void) => {
    const timer = { at: this.now + ms, run }
    this.#timers.push(timer)
    return () => {
      const index = this.#timers.indexOf(timer)
      if (index !== -1) this.#timers.splice(index, 1)
    }
  }

  /** Lets time pass, and everything that is due and follows happen. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      await quiet()
      this.#timers.sort((a, b) => a.at - b.at)
      if (this.#timers[0] === undefined || this.#timers[0].at > end) break
      const { at, run } = this.#timers.shift()!
      this.now = at
      run()
    }
    this.now = end
    await quiet()
  }

  async lease(): Promise<WriteLease> {
    return (await this.store.get(leaseKey('shop')))!.value as WriteLease
  }

  /** A controller changes the record. */
  async change(next: (before: WriteLease | null) => WriteLease): Promise<void> {
    const before = await this.store.get(leaseKey('shop'))
    const value = next((before?.value ?? null) as WriteLease | null)
    const { ok } = await this.store.compareAndSet(leaseKey('shop'), before?.version ?? 0, value)
    assert.ok(ok)
  }

  grant(site: string): Promise<void> {
    return this.change((before) => grantedLease('shop', site, before, terms))
  }

  fence(): Promise<void> {
    return this.change((before) => fencedLease(before!))
  }
}

async function quiet(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A node with its keeper, and what it was told. */
class Node {
  readonly held = new HeldLease(new LocalCells(HeldLease.cellsFor()))
  readonly placed: [placement: Placement, holder: string | null][] = []
  readonly settled: number[] = []
  usable = true
  keeper: Keeper
  readonly #world: World
  readonly #options: KeeperOptions

  constructor(t: TestContext, world: World, site: string, edits: Partial<KeeperOptions> = {}) {
    this.#world = world
    this.#options = {
      node: `gw-${site}`,
      start: '1',
      site,
      store: world.store,
      units: [{ unit: 'shop', service: 'shop', sites: ['east', 'west'], ttlMs: terms.ttlMs }],
      lease: () => this.held,
      settle: async (_, epoch) => void this.settled.push(epoch),
      usable: () => this.usable,
      data: () => unknownData,
      placed: (placement, holder) => this.placed.push([placement, holder]),
      now: () => world.now,
      schedule: world.schedule,
      ...edits,
    }
    this.keeper = new Keeper(this.#options)
    t.after(() => this.keeper.close())
  }

  /** The process is killed and comes back. */
  async restart(): Promise<void> {
    await this.keeper.close()
    this.keeper = new Keeper({ ...this.#options, start: '2' })
  }

  verdict(epoch: number): string {
    return this.held.mayWrite(epoch, this.#world.now)
  }

  order(order: SiteOrder['order'], epoch: number, site = this.#options.site): Promise<OrderAnswer> {
    const stepId = `shop@${epoch}/${order}/${site}/${epoch}`
    return this.keeper.order({ stepId, unit: 'shop', epoch, site, order })
  }
}

test('a keeper claims what is granted to its site, renews it twice a second, and counts from sending', async (t) => {
  const world = new World(t)
  let delayMs = 0
  // A store that has stored long before its answer arrives.
  const store: CoordinationStore = {
    get: (key) => world.store.get(key),
    watch: (prefix, onChange) => world.store.watch(prefix, onChange),
    compareAndSet: async (key, version, value) => {
      const answer = await world.store.compareAndSet(key, version, value)
      if (delayMs > 0) await new Promise<void>((resolve) => void world.schedule(resolve, delayMs))
      return answer
    },
  }
  await world.grant('east')
  const east = new Node(t, world, 'east', { store })
  const west = new Node(t, world, 'west')
  await world.pass(100)
  assert.equal(east.verdict(1), 'accept')
  assert.equal(west.verdict(1), 'not-held')
  assert.deepEqual(west.placed.at(-1), [
    { unit: 'shop', service: 'shop', epoch: 1, owner: 'east', readers: ['east', 'west'] },
    'gw-east',
  ])
  const { renewal } = await world.lease()
  await world.pass(5_000)
  assert.equal((await world.lease()).renewal, renewal + 10)
  assert.equal(east.verdict(1), 'accept')

  delayMs = 500
  await world.pass(500)
  const before = east.held.remainingMs(world.now)
  await world.pass(500)
  // The renewal that was sent 500 ms ago has just been answered.
  assert.deepEqual([before, east.held.remainingMs(world.now)], [1_650, 1_650])
})

test('a holder that the store does not answer stops by the clock, and goes on when it does', async (t) => {
  const world = new World(t)
  let away = false
  const store: CoordinationStore = {
    get: (key) => (away ? Promise.reject(new Error('away')) : world.store.get(key)),
    watch: (prefix, onChange) => world.store.watch(prefix, onChange),
    compareAndSet: (key, version, value) =>
      away ? new Promise(() => {}) : world.store.compareAndSet(key, version, value),
  }
  await world.grant('east')
  const east = new Node(t, world, 'east', { store })
  await world.pass(1_000)
  away = true
  await world.pass(2_250)
  assert.equal(east.verdict(1), 'ended')
  assert.deepEqual(await east.order('fence', 1), {
    stepId: 'shop@1/fence/east/1',
    ok: false,
    why: 'the coordination store cannot be asked',
  })
  away = false
  await world.pass(2_000)
  assert.equal(east.verdict(1), 'not-held', 'an order to stop stands until the next epoch')
})

test('a fence is acknowledged by the holder alone, once the store has it, and outlives a restart', async (t) => {
  const world = new World(t)
  await world.grant('east')
  const east = new Node(t, world, 'east')
  const west = new Node(t, world, 'west')
  await world.pass(600)
  const early = await east.order('fence', 1)
  assert.deepEqual(
    [early.ok, early.why],
    [false, 'the epoch is not fenced in the store: it could be renewed'],
  )
  assert.equal(east.verdict(1), 'not-held', 'it has stopped all the same')
  await world.fence()
  const fenced = await east.order('fence', 1)
  assert.deepEqual(fenced, { stepId: 'shop@1/fence/east/1', ok: true, why: '', position: 0 })
  assert.equal(await east.order('fence', 1), fenced, 'the same order has the same answer')
  assert.equal((await west.order('fence', 1, 'east')).ok, false)
  await east.restart()
  await world.pass(3_000)
  const { state, renewal } = await world.lease()
  assert.equal(state, 'fenced')
  await world.pass(3_000)
  assert.equal((await world.lease()).renewal, renewal)

  await world.grant('west')
  await world.pass(600)
  assert.equal(west.verdict(2), 'accept')
  assert.equal(west.placed.at(-1)?.[0].owner, 'west')
  assert.match((await east.order('fence', 1)).why, /epoch 1 is over: 2 is the newest/)
  assert.equal((await world.lease()).lossMs, null, 'nobody says how far the data is')
  // And back: the next epoch is no longer stopped.
  await world.fence()
  await world.grant('east')
  await world.pass(600)
  assert.equal(east.verdict(3), 'accept')
})

test('a drain settles first, and renews no more', async (t) => {
  const world = new World(t)
  await world.grant('east')
  let finish = (): void => {}
  const east = new Node(t, world, 'east', { settle: () => new Promise((resolve) => (finish = resolve)) })
  await world.pass(600)
  await world.fence()
  const drained = east.order('drain', 1)
  await world.pass(500)
  assert.equal(east.verdict(1), 'accept', 'what is under way may be acknowledged')
  finish()
  assert.equal((await drained).ok, true)
  assert.equal(east.verdict(1), 'not-held')
})

test('the position that a drain answers with was asked for after the last write', async (t) => {
  const world = new World(t)
  const asked: ((told: DataPosition | null) => void)[] = []
  const data: SiteData = { ...unknownData, position: () => new Promise((resolve) => asked.push(resolve)) }
  const at = (position: number) => ({ ...known, position, epoch: 1, lagMs: 0 })
  await world.grant('east')
  const east = new Node(t, world, 'east', { data: () => data })
  await world.pass(600)
  await world.fence()
  assert.equal(asked.length, 1, 'the first question is still open')
  const drained = east.order('drain', 1)
  await world.pass(10)
  asked[0]!(at(7))
  await world.pass(10)
  asked[1]!(at(9))
  assert.equal((await drained).position, 9)

  await world.grant('east')
  await world.pass(600)
  await world.fence()
  const silent = east.order('drain', 2)
  await world.pass(700)
  assert.deepEqual((await silent).why, 'the data does not say how far it is')
})

const known = { divergence: 0, capacityPercent: 80, inSync: [] }

test('another gateway of the site takes over when the holder is surely gone, and not before', async (t) => {
  const world = new World(t)
  await world.grant('east')
  const one = new Node(t, world, 'east')
  await world.pass(100)
  const two = new Node(t, world, 'east', { node: 'gw-east-2' })
  await world.pass(2_000)
  assert.deepEqual([one.verdict(1), two.verdict(1)], ['accept', 'not-held'])
  await world.fence()
  const { why } = await two.order('fence', 1)
  assert.equal(why, 'gw-east#1 holds it, and only it can say that it has stopped')
  two.keeper.gone('gw-east#1')
  assert.equal((await two.order('fence', 1)).ok, true, 'a supervisor saw it exit')

  await one.restart()
  await world.grant('east')
  await world.pass(600)
  const holder = (await world.lease()).holder
  const [first, second] = holder.startsWith('gw-east#') ? [one, two] : [two, one]
  await first.keeper.close()
  await world.pass(2_000)
  assert.notEqual(second.verdict(2), 'accept')
  await world.pass(1_500)
  assert.equal(second.verdict(2), 'accept')
  assert.equal(first.verdict(2), 'ended')
})

test('who ends lets go of the lease after its last write: another gateway of the site has it at once, and nobody waits for its end', async (t) => {
  const world = new World(t)
  await world.grant('east')
  const one = new Node(t, world, 'east')
  await world.pass(100)
  const two = new Node(t, world, 'east', { node: 'gw-east-2' })
  await world.pass(600)
  assert.deepEqual([one.verdict(1), one.keeper.isHeldElsewhere('shop')], ['accept', false])
  assert.equal(await one.keeper.release('shop'), true)
  assert.deepEqual(one.settled, [1])
  assert.notEqual(one.verdict(1), 'accept')
  assert.equal((await world.lease()).holder, '')
  await world.pass(600)
  assert.deepEqual([(await world.lease()).holder, two.verdict(1)], ['gw-east-2#1', 'accept'])
  await world.pass(600)
  assert.equal(one.keeper.isHeldElsewhere('shop'), true)
  // With nobody left to answer a fence: a lease without a holder says enough, to any node of the site.
  assert.equal(await two.keeper.release('shop'), true)
  await world.fence()
  assert.equal((await one.order('fence', 1)).ok, true)
  // What is granted here later is not taken by who ends.
  await world.grant('east')
  await world.pass(3_000)
  assert.equal((await world.lease()).state, 'granted')
})

test('what a failover loses is counted from what the data knows of the epoch before', async (t) => {
  const world = new World(t)
  let told: DataPosition | null = null
  const told2 = async (): Promise<DataPosition | null> => told
  const data: SiteData = { ...unknownData, position: told2, restore: async () => 'the snapshot is gone' }
  await world.grant('east')
  const east = new Node(t, world, 'east')
  const west = new Node(t, world, 'west', { data: () => data })
  told = { ...known, position: 7, epoch: 1, lagMs: 40 }
  await world.pass(1_000)
  assert.deepEqual(west.keeper.position('shop'), {
    service: 'shop',
    site: 'west',
    position: 7,
    epoch: 1,
    lagMs: 40,
    divergence: 0,
    capacityPercent: 80,
  })
  assert.equal(east.keeper.position('shop')?.lagMs, 0, 'the owner lacks nothing')
  assert.deepEqual(await west.order('restore', 1), {
    stepId: 'shop@1/restore/west/1',
    ok: false,
    why: 'the snapshot is gone',
  })
  told = null
  await world.pass(400)
  await world.fence()
  west.usable = false
  await world.grant('west')
  assert.equal((await west.order('claim', 2)).why, 'no backend of this site can take writes')
  west.usable = true
  await world.pass(200)
  assert.equal((await west.order('claim', 2)).ok, true)
  assert.equal((await world.lease()).lossMs, 540)

  // It wrote last itself, so it lacks nothing.
  await world.fence()
  await world.grant('west')
  await world.pass(600)
  assert.equal((await world.lease()).lossMs, 0)
})

test('who is in sync is stored before the data relies on it, and leaves before it does not', async (t) => {
  const world = new World(t)
  let inSync: readonly string[] = []
  const asked: (readonly string[])[] = []
  const data: SiteData = {
    ...unknownData,
    position: async (question) => {
      asked.push(question.inSync)
      return { position: 1, epoch: 1, lagMs: 0, divergence: 0, capacityPercent: 100, inSync }
    },
  }
  await world.grant('east')
  const east = new Node(t, world, 'east', { data: () => data })
  await world.pass(600)
  inSync = ['west']
  await world.pass(1_600)
  assert.deepEqual((await world.lease()).inSync, ['west'])
  assert.deepEqual(asked.at(-1), ['west'])
  // A controller takes it away, because it is down: it stays away until the data has stopped waiting for it.
  await world.change((before) => ({ ...before!, inSync: [] }))
  await world.pass(1_600)
  assert.deepEqual((await world.lease()).inSync, [])
  inSync = []
  await world.pass(1_100)
  inSync = ['west']
  await world.pass(1_100)
  assert.deepEqual((await world.lease()).inSync, ['west'])
  assert.equal(east.verdict(1), 'accept')

  const both = new Node(t, world, 'west', { data: () => sharedData })
  await world.fence()
  await world.change((before) => grantedLease('shop', 'west', { ...before!, inSync: [] }, terms))
  await world.pass(1_100)
  const { lossMs, inSync: all } = await world.lease()
  assert.deepEqual([both.verdict(2), lossMs, all], ['accept', 0, ['east']])
})

test('data that must not be written is not: the lease is taken once it may be, and ended in the data where it is ended here', async (t) => {
  const world = new World(t)
  const told: string[] = []
  let why: string | null = 'rows of an epoch that is over are here'
  const data: SiteData = {
    ...unknownData,
    claim: async ({ epoch }) => (told.push(`claim ${epoch}`), why),
    fence: async ({ epoch }) => (told.push(`fence ${epoch}`), null),
  }
  const east = new Node(t, world, 'east', { data: () => data })
  await world.grant('east')
  await world.pass(600)
  const refused = await east.order('claim', 1)
  assert.match(refused.why, /the data must not be written: rows of an epoch/)
  assert.equal((await world.lease()).state, 'granted')
  why = null
  await world.pass(600)
  assert.equal((await world.lease()).state, 'held')
  assert.equal(east.verdict(1), 'accept')
  await world.fence()
  await east.order('fence', 1)
  assert.deepEqual([...new Set(told)], ['claim 1', 'fence 1'])
})

test('a hook and a command are asked in JSON, and what makes no sense is no answer', async (t) => {
  const asked: unknown[] = []
  let answer: unknown = { position: 12, epoch: 3, lagMs: 40, more: 'is passed over' }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      asked.push(JSON.parse(text))
      response.end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`
  const question = { unit: 'shop', service: 'shop', site: 'west', epoch: 3, owner: 'east', inSync: [] }
  const position = { position: 12, epoch: 3, lagMs: 40, divergence: 0, capacityPercent: 100, inSync: [] }
  const asHook = openSiteData({ hook }, '.')
  assert.deepEqual(await asHook.position(question), position)
  assert.deepEqual(asked, [{ do: 'position', ...question }])
  answer = { position: -1 }
  assert.equal(await asHook.position(question), null)
  answer = { ok: false, why: 'no space left' }
  assert.equal(await asHook.restore(question), 'no space left')
  answer = { ok: true }
  assert.equal(await asHook.catchUp(question), null)

  const program = `let text = ''
    process.stdin.on('data', (part) => (text += part)).on('end', () => {
      const { do: verb, epoch } = JSON.parse(text)
      if (verb === 'restore') { console.error('which snapshot?'); process.exit(3) }
      console.log(JSON.stringify(verb === 'position' ? { position: 1, epoch } : { ok: true }))
    })`
  const asCommand = openSiteData({ command: [process.execPath, '-e', program] }, '.')
  assert.deepEqual(await asCommand.position(question), { ...position, position: 1, lagMs: null })
  assert.match((await asCommand.restore(question))!, /which snapshot\?/)
  assert.equal(openSiteData({ shared: true }, '.').shared, true)
})
