import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailoverRun, SiteOrder, WriteLease } from '@budao/model'
import { fencedLease, grantedLease, leaseKey, renewedLease, runKey } from '@budao/model'
import { SiteAgent } from './site-agent.ts'
import type { Witness } from './site-agent.ts'

const granted = grantedLease('shop', 'east', null, { ttlMs: 2500, guardMs: 250 })
const held = renewedLease(granted, 'east', 'gw-east#s1')!
const fenced = fencedLease(held)
const fence: SiteOrder = { stepId: 'r/fence/east/1', unit: 'shop', epoch: 1, site: 'east', order: 'fence' }

/** Who says that of these starts, and notes what it is asked for. */
function witness(fates: Record<string, 'gone' | 'alive'>, asked: string[]): Witness {
  return {
    fateOf: (node, start) => fates[`${node}#${start}`] ?? 'unknown',
    onEnd(listener) {
      listener.serviceExited('shop')
      listener.nodeGone('gw-east', 's0')
      return () => asked.push('closed')
    },
    standbys: {
      reports: () => [{ service: 'shop', state: 'cold', ordered: false, why: '' }],
      start: (service, unit) => {
        asked.push(`start ${service} for ${unit}`)
        return ''
      },
      stop: (unit) => void asked.push(`stop ${unit}`),
    },
  }
}

/** An agent that knows these starts, over a store with this lease; null: it is away. */
function agent(
  lease: WriteLease | null,
  fates: Record<string, 'gone' | 'alive'>,
  run: Partial<FailoverRun> | null = null,
  cartAt = 'west',
): { orders: SiteAgent; asked: string[] } {
  const asked: string[] = []
  const store = {
    async get(key: string) {
      asked.push(key)
      if (lease === null) throw new Error('away')
      if (key === leaseKey('cart')) return { version: 1, value: { ...held, unit: 'cart', site: cartAt } }
      if (key === runKey('shop')) return run === null ? null : { version: 1, value: run }
      return { version: 3, value: lease }
    },
  }
  const orders = SiteAgent.of(witness(fates, asked), 'east', store, {
    exited: (service) => asked.push(`exited ${service}`),
    gone: (holder) => asked.push(`gone ${holder}`),
    units: () => ['shop', 'cart'],
  })!
  return { orders, asked }
}

const cases: [
  what: string,
  lease: WriteLease | null,
  fate: 'gone' | 'alive' | undefined,
  why: RegExp | null,
][] = [
  ['a holder that it has seen end', fenced, 'gone', null],
  ['a holder that lives', fenced, 'alive', /gw-east lives here/],
  ['a holder that it did not start', fenced, undefined, /gw-east#s1 was not started by this agent/],
  ['another start of the same node', fencedLease({ ...held, holder: 'gw-east#s2' }), 'gone', /not started/],
  ['an epoch that could still be renewed', held, 'gone', /not fenced/],
  ['an epoch that is over', { ...fenced, epoch: 2 }, 'gone', /has epoch 2 by now/],
  ['an epoch that nobody claimed', fencedLease(granted), undefined, null],
  ['a store that is away', null, 'gone', /cannot be asked/],
]

for (const [what, lease, fate, why] of cases) {
  test(`the word of an agent on ${what}: ${why === null ? 'it has stopped' : 'refused'}`, async () => {
    const { orders } = agent(lease, fate === undefined ? {} : { 'gw-east#s1': fate })
    const answer = await orders.order(fence)
    assert.equal(answer.ok, why === null, answer.why)
    if (why !== null) assert.match(answer.why, why)
  })
}

test('what was done is answered as before, what was refused is looked at again', async () => {
  const fates: Record<string, 'gone' | 'alive'> = { 'gw-east#s1': 'alive' }
  const { orders, asked } = agent(fenced, fates)
  assert.equal((await orders.order(fence)).ok, false)
  fates['gw-east#s1'] = 'gone'
  assert.equal((await orders.order(fence)).ok, true)
  assert.equal((await orders.order(fence)).ok, true)
  assert.deepEqual(asked.slice(2), [leaseKey('shop'), leaseKey('shop')])
})

test('it takes no leases, and no orders for another site', async () => {
  const { orders } = agent(fenced, { 'gw-east#s1': 'gone' })
  assert.match((await orders.order({ ...fence, stepId: 'c', order: 'claim' })).why, /holds no leases/)
  assert.match((await orders.order({ ...fence, stepId: 'w', site: 'west' })).why, /this is site east/)
})

test('it passes on what it sees end, until it is closed', () => {
  const { orders, asked } = agent(fenced, {})
  orders.close()
  assert.deepEqual(asked, ['exited shop', 'gone gw-east#s0', 'closed'])
})

test('where nobody looks after processes, or at no site, there is none', () => {
  const listener = { exited() {}, gone() {}, units: () => [] }
  const store = { get: async () => null }
  assert.equal(SiteAgent.of(null, 'east', store, listener), null)
  assert.equal(SiteAgent.of(witness({}, []), null, store, listener), null)
})

test('an order to start is carried out each time it comes; what it looks after is told', async () => {
  const { orders, asked } = agent(held, {})
  const start: SiteOrder = { ...fence, stepId: 'r/start/east/1', order: 'start' }
  assert.deepEqual(
    [await orders.order(start), await orders.order(start)].map(({ ok }) => ok),
    [true, true],
  )
  assert.equal(asked.filter((each) => each === 'start shop for shop').length, 2)
  assert.deepEqual(orders.standbys(), [
    { service: 'shop', site: 'east', state: 'cold', ordered: false, why: '' },
  ])
})

const west = { ...held, site: 'west', holder: 'gw-west#s1' }
const stops: [
  what: string,
  lease: WriteLease | null,
  run: Partial<FailoverRun> | null,
  why: RegExp | null,
][] = [
  ['the work is elsewhere', west, { outcome: 'done' }, null],
  ['the work was never moved', west, null, null],
  ['it writes here', held, null, /shop is held at east/],
  ['it is on its way here', { ...west, site: 'east', state: 'granted' }, null, /shop is granted at east/],
  ['it is being moved', west, { id: 'shop@1', outcome: null }, /being moved: shop@1/],
  ['the order is late', { ...west, epoch: 2 }, null, /has epoch 2 by now/],
  ['the store is away', null, null, /cannot be asked/],
]
for (const [what, lease, run, why] of stops) {
  test(`an order to stop, where ${what}: ${why === null ? 'stopped' : 'refused'}`, async () => {
    const { orders, asked } = agent(lease, {}, run)
    const answer = await orders.order({ ...fence, order: 'stop' })
    assert.equal(answer.ok, why === null, answer.why)
    if (why !== null) assert.match(answer.why, why)
    assert.equal(asked.includes('stop shop'), why === null)
  })
}

test('an order to stop, where another unit is at the site: refused, for the same processes may serve it', async () => {
  const { orders, asked } = agent(west, {}, null, 'east')
  assert.match((await orders.order({ ...fence, order: 'stop' })).why, /cart is here/)
  assert.equal(asked.includes('stop shop'), false)
})

test('an order to start that comes while the one to stop is thought about stands', async () => {
  const { orders, asked } = agent(west, {})
  const stopping = orders.order({ ...fence, order: 'stop' })
  await orders.order({ ...fence, order: 'start' })
  assert.match((await stopping).why, /to come here by now/)
  assert.equal(asked.includes('stop shop'), false)
})
