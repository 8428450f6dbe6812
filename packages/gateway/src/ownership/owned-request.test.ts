import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LocalCells } from '@budao/resilience'
import { testPlane } from '../test-plane.test.ts'
import { TurnClock } from '../threads/turn-clock.ts'
import { OwnedRequest, type WriteCaller } from './owned-request.ts'
import { control, terms } from './test-sites.test.ts'
import { UnitChoice } from './unit-choice.ts'
import { UnitMemory } from './unit-memory.ts'

const post: WriteCaller = {
  method: 'POST',
  scheme: 'http',
  listener: 'web',
  host: 'shop.example',
  path: '/orders',
  query: '',
  clientIp: '192.0.2.1',
  header: () => undefined,
  leaving: 'may',
  rectified: false,
  epochHint: 0,
}

test('a process that was stopped finds its lease ended, in the middle of a turn too', async (t) => {
  const { plane, shop } = await testPlane(t, {
    control,
    service: { mode: 'active-standby', failover: {} },
    endpoints: ['127.0.0.1:7001'],
  })
  let now = 1_000
  const stopping = new TurnClock({ now: () => now })
  Object.defineProperty(plane, 'clock', { value: stopping })
  const { memory } = shop.ownership!.units[0]!
  const request = new OwnedRequest(plane)

  assert.equal(request.begin(shop, post), 'write_owner_unknown')
  memory.lease.renewed(1, now, terms)
  assert.equal(request.begin(shop, post), shop)
  assert.equal(request.lines, 'X-Budao-Epoch: 1\r\nX-Budao-Unit: shop\r\n')
  stopping.hold()
  assert.ok(request.maySend())
  assert.equal(memory.writing, 1)
  // SIGSTOP for a minute, and SIGCONT: the turn goes on with the time that it began with.
  now += terms.ttlMs
  assert.equal(stopping.now(), 1_000)
  assert.equal(request.mayAcknowledge(), false)
  assert.equal(request.maySend(), false, 'nor is it sent anywhere else')
  request.leave()
  request.leave()
  assert.equal(memory.writing, 0)

  stopping.release()
  memory.lease.renewed(2, now, terms)
  assert.equal(request.begin(shop, post), shop)
  now += terms.ttlMs
  assert.equal(request.maySend(), false, 'stopped between the choice and the sending')
  assert.equal(memory.writing, 0)
  assert.equal(request.begin(shop, { ...post, method: 'GET' }), shop, 'a read needs no lease')
  assert.ok(request.maySend() && request.mayAcknowledge())

  memory.lease.renewed(3, now, terms)
  assert.equal(request.begin(shop, { ...post, leaving: 'must' }), 'write_owner_unknown')
  assert.equal(
    request.begin(shop, { ...post, rectified: true, epochHint: 2 }),
    shop,
    'an older hint is put right',
  )
  assert.equal(request.begin(shop, { ...post, rectified: true, epochHint: 4 }), 'write_misdirected')
})

test('who owns an epoch never changes, and none goes back', () => {
  const learnt = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -1, max: 126 })))
  fc.assert(
    fc.property(learnt, (words) => {
      const memory = new UnitMemory(new LocalCells(UnitMemory.cellsFor(1)))
      const owners = new Map<number, number>()
      for (const [epoch, owner] of words) {
        const before = memory.epoch
        memory.learn(epoch, owner)
        assert.equal(memory.epoch, Math.max(before, epoch))
        const known = owners.get(memory.epoch) ?? -1
        if (known !== -1) assert.equal(memory.owner, known)
        owners.set(memory.epoch, memory.owner)
      }
    }),
  )
})

test('a unit is chosen alike everywhere, and a site that comes moves only what is its own', () => {
  const of = (value: string): { header: () => string; query: string } => ({ header: () => value, query: '' })
  const key = { header: 'X-User' }
  const three = ['east', 'west', 'north']
  const before = new UnitChoice(three.slice(0, 2), { key, units: 'hash' })
  const after = new UnitChoice(three, { key, units: 'hash' })
  const users = Array.from({ length: 3_000 }, (_, i) => of(`user-${i}`))
  const moved = users.filter((user) => before.of(user) !== after.of(user))
  assert.ok(moved.every((user) => after.of(user) === 2))
  assert.ok(moved.length > 850 && moved.length < 1_150, `${moved.length} of 3000`)

  const modulo = new UnitChoice(three, { key, units: 'modulo' })
  assert.deepEqual(
    ['0', '4', '12345678901234567890'].map((value) => modulo.of(of(value))),
    [0, 1, 0],
  )
  const site = new UnitChoice(three, { key, units: 'site', home: 'north' })
  assert.deepEqual(
    ['west', 'atlantis', ''].map((value) => site.of(of(value))),
    [1, 2, 2],
  )
  const claim = new UnitChoice(three, { key: { claim: 'home' }, units: 'site' })
  assert.deepEqual([claim.of({ ...of(''), claims: { home: 'west' } }), claim.of(of('x'))], [1, 0])
})
