import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteOrder, WriteLease } from '@budao/model'
import { fencedLease, grantedLease, leaseKey, renewedLease } from '@budao/model'
import { SiteAgent } from './site-agent.ts'
import type { Witness } from './site-agent.ts'

const granted = grantedLease('shop', 'east', null, { ttlMs: 2500, guardMs: 250 })
const held = renewedLease(granted, 'east', 'gw-east#s1')!
const fenced = fencedLease(held)
const fence: SiteOrder = { stepId: 'r/fence/east/1', unit: 'shop', epoch: 1, site: 'east', order: 'fence' }

/** An agent that knows these starts, over a store with this lease; null: it is away. */
function agent(
  lease: WriteLease | null,
  fates: Record<string, 'gone' | 'alive'>,
): { orders: SiteAgent; asked: string[] } {
  const asked: string[] = []
  const store = {
    async get(key: string) {
      asked.push(key)
      if (lease === null) throw new Error('away')
      return { version: 3, value: lease }
    },
  }
  const witness: Witness = {
    fateOf: (node, start) => fates[`${node}#${start}`] ?? 'unknown',
    onEnd(listener) {
      listener.serviceExited('shop')
      listener.nodeGone('gw-east', 's0')
      return () => asked.push('closed')
    },
  }
  const orders = SiteAgent.of(witness, 'east', store, {
    exited: (service) => asked.push(`exited ${service}`),
    gone: (holder) => asked.push(`gone ${holder}`),
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
  const listener = { exited() {}, gone() {} }
  const store = { get: async () => null }
  assert.equal(SiteAgent.of(null, 'east', store, listener), null)
  assert.equal(SiteAgent.of({ fateOf: () => 'gone', onEnd: () => () => {} }, null, store, listener), null)
})
