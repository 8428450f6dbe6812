import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CoordinationStore, DirectoryResult, EndpointRegistration } from '@budao/model'
import { tempDir } from '@budao/testkit'
import { SqliteCoordination } from '../providers/sqlite-coordination.ts'
import { changedRecord, newsOf } from './registry-record.ts'
import type { RegistryChange, RegistryRecord } from './registry-record.ts'
import { SharedRegistry } from './shared-registry.ts'
import type { RegistryDirectory } from './shared-registry.ts'

const at = (address: string, changes: Partial<EndpointRegistration> = {}): EndpointRegistration => ({
  service: 'shop',
  address,
  site: 'east',
  weight: 1,
  release: 'stable',
  rank: 0,
  leaseMs: 30_000,
  ...changes,
})

/** The registered endpoints of one gateway; the last one does not go. */
class Directory implements RegistryDirectory {
  readonly registrations: Map<string, EndpointRegistration> = new Map()
  renewals = 0

  async register(registration: EndpointRegistration): Promise<DirectoryResult> {
    this.registrations.set(registration.address, registration)
    return done
  }

  renew(): DirectoryResult {
    this.renewals++
    return done
  }

  async deregister(_service: string, address: string): Promise<DirectoryResult> {
    if (this.registrations.size === 1) return { ok: false, code: 'last-usable', message: 'the last one' }
    this.registrations.delete(address)
    return done
  }

  registration(_service: string, address: string): EndpointRegistration | undefined {
    return this.registrations.get(address)
  }

  get addresses(): string[] {
    return [...this.registrations.keys()].toSorted()
  }
}

const done: DirectoryResult = { ok: true, effect: 'created', snapshot: 1, leaseMs: 30_000 }

function gateway(t: TestContext, path: string, node: string, wrap = (store: CoordinationStore) => store) {
  const directory = new Directory()
  const store = new SqliteCoordination({ path, pollMs: 10 })
  const warnings: string[] = []
  const clock = { ahead: 0 }
  const registry = new SharedRegistry({
    node,
    store: wrap(store),
    directory,
    now: () => performance.now() + clock.ahead,
    warn: (message) => warnings.push(message),
  })
  t.after(() => {
    registry.close()
    store.close()
  })
  /** As an endpoint does it over the API. */
  const register = async (registration: EndpointRegistration): Promise<void> => {
    await directory.register(registration)
    registry.registered(registration)
  }
  return { directory, registry, register, warnings, clock, store }
}

async function until(is: () => boolean, what: () => unknown): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (is()) return
    await sleep(20)
  }
  throw new Error(`never: ${JSON.stringify(what())}`)
}

const has = (directory: Directory, ...addresses: string[]): Promise<void> =>
  until(
    () => directory.addresses.join() === addresses.join(),
    () => directory.addresses,
  )

test('who registers at one gateway is at all of them, with what it says of itself, also at one that comes later', async (t) => {
  const path = join(tempDir(t), 'coordination.db')
  const [east, west] = [gateway(t, path, 'gw-east'), gateway(t, path, 'gw-west')]
  await Promise.all([
    east.register(at('10.0.0.5:7001', { metadata: { zone: 'a' } })),
    west.register(at('10.0.1.5:7001', { site: 'west', weight: 3 })),
  ])
  for (const { directory } of [east, west]) await has(directory, '10.0.0.5:7001', '10.0.1.5:7001')
  assert.deepEqual(west.directory.registration('shop', '10.0.0.5:7001')!.metadata, { zone: 'a' })
  assert.equal(east.directory.registration('shop', '10.0.1.5:7001')!.weight, 3)

  // Everybody was gone: what is kept in the store is there again.
  const late = gateway(t, path, 'gw-north')
  await has(late.directory, '10.0.0.5:7001', '10.0.1.5:7001')

  await west.directory.deregister('shop', '10.0.1.5:7001')
  west.registry.deregistered('shop', '10.0.1.5:7001')
  for (const { directory } of [east, west, late]) await has(directory, '10.0.0.5:7001')
  assert.deepEqual([...east.warnings, ...west.warnings], [])
})

test('a lease that nobody renews anywhere ends for everybody, one that is renewed anywhere does not', async (t) => {
  const path = join(tempDir(t), 'coordination.db')
  const [east, west] = [gateway(t, path, 'gw-east'), gateway(t, path, 'gw-west')]
  await east.register(at('10.0.0.5:7001'))
  await east.register(at('10.0.0.6:7001'))
  await has(west.directory, '10.0.0.5:7001', '10.0.0.6:7001')
  west.clock.ahead = 40_000
  // It moves to the other gateway to renew.
  west.registry.renewed('shop', '10.0.0.5:7001')
  await has(east.directory, '10.0.0.5:7001')
  await has(west.directory, '10.0.0.5:7001')
})

test('silence of the store takes nobody away, and neither does a store that has lost everything', async (t) => {
  const path = join(tempDir(t), 'coordination.db')
  let away = false
  const refuse = async (): Promise<never> => {
    throw new Error('no majority')
  }
  const west = gateway(t, path, 'gw-west', (store) => ({
    get: (key) => (away ? refuse() : store.get(key)),
    compareAndSet: (key, version, value) => (away ? refuse() : store.compareAndSet(key, version, value)),
    watch: (prefix, onChange) => store.watch(prefix, onChange),
  }))
  const east = gateway(t, path, 'gw-east')
  await east.register(at('10.0.0.5:7001'))
  await east.register(at('10.0.0.6:7001'))
  await has(west.directory, '10.0.0.5:7001', '10.0.0.6:7001')
  away = true
  west.clock.ahead = 60_000
  await until(
    () => west.directory.renewals >= 2,
    () => west.warnings,
  )
  assert.match(west.warnings[0]!, /does not answer: registrations of other gateways stay/)
  away = false

  const emptied = await east.store.get('registry/shop')
  await east.store.compareAndSet('registry/shop', emptied!.version, { endpoints: [], left: [] })
  await sleep(100)
  assert.deepEqual(west.directory.addresses, ['10.0.0.5:7001', '10.0.0.6:7001'])
  east.registry.renewed('shop', '10.0.0.5:7001')
  east.registry.renewed('shop', '10.0.0.6:7001')
  await until(
    () => west.directory.addresses.length === 2 && east.directory.addresses.length === 2,
    () => west.directory.addresses,
  )
})

const entry = (address: string, renewal: number) => {
  const { service: _, ...facts } = at(address)
  return { ...facts, renewal, by: 'gw-east' }
}

test('changes of a record: renewals count up, ends hold for the renewal they saw, leavers are remembered', () => {
  const record: RegistryRecord = { endpoints: [entry('a:1', 4), entry('b:1', 1)], left: ['c:1'] }
  const change = (...changes: [string, RegistryChange][]): RegistryRecord =>
    changedRecord(record, new Map(changes), 'gw-west')
  const renewed = change(['a:1', { kind: 'put', registration: at('a:1') }])
  assert.deepEqual([renewed.endpoints[0]!.renewal, renewed.endpoints[0]!.by], [5, 'gw-west'])
  assert.equal(change(['a:1', { kind: 'ended', renewal: 3 }]), record)
  assert.deepEqual(change(['a:1', { kind: 'ended', renewal: 4 }]).left, ['c:1', 'a:1'])
  assert.equal(change(['d:1', { kind: 'leave' }]), record)
  assert.deepEqual(change(['c:1', { kind: 'put', registration: at('c:1') }]).left, [])
  const crowd: RegistryRecord = {
    endpoints: Array.from({ length: 99 }, (_, n) => entry(`x:${n}`, 1)),
    left: [],
  }
  const gone = new Map(crowd.endpoints.map(({ address }) => [address, { kind: 'leave' } as const]))
  assert.equal(changedRecord(crowd, gone, 'gw-west').left.length, 64)
})

test('what is missing without having left is no news', () => {
  const seen = new Map([
    ['a:1', entry('a:1', 4)],
    ['b:1', entry('b:1', 1)],
  ])
  assert.deepEqual(newsOf({ endpoints: [], left: [] }, seen), { put: [], left: [] })
  assert.deepEqual(newsOf({ endpoints: [entry('a:1', 5)], left: ['b:1', 'z:1'] }, seen), {
    put: [entry('a:1', 5)],
    left: ['b:1'],
  })
})
