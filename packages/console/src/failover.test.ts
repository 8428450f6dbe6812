import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodesReport, UnitReport } from '@budao/model'
import { report } from '../test/reports.ts'
import { Refusal } from './admin-client.ts'
import { textOf } from './element.ts'
import type { Element, Node } from './element.ts'
import { failoverQuestion, failoverTroubles } from './failover-state.ts'
import type { FailoverState } from './failover-state.ts'
import { failover } from './failover-view.ts'
import { summarise } from './summary.ts'
import { whyView } from './why-view.ts'
import { languages } from './words.ts'

const words = languages.en
const now = new Date('2026-01-01T12:00:10.000Z')

const unit: UnitReport = {
  unit: 'shop',
  service: 'shop',
  automation: 'on',
  sites: ['east', 'west'],
  leads: true,
  term: 3,
  epoch: 8,
  owner: 'west',
  lease: 'held',
  leaseMs: 2500,
  renewedMs: 200,
  inSync: [],
  why: { code: 'owner-fine', unit: 'shop', message: 'shop is at west', evidence: { verdict: 'up' } },
  verdicts: [
    {
      service: 'shop',
      site: 'east',
      state: 'down',
      code: 'quorum',
      votes: [
        {
          observer: 'gw-west',
          domain: 'west',
          state: 'down',
          use: 'counted',
          causes: ['refused'],
          ageMs: 120,
          silentMs: null,
        },
      ],
    },
    { service: 'shop', site: 'west', state: 'up', code: 'agreed', votes: [] },
  ],
  positions: [],
  standbys: [],
  drained: [],
  returning: [{ site: 'east', stage: 'catching-up', sinceMs: 4000 }],
  run: {
    id: 'shop@7',
    unit: 'shop',
    kind: 'failover',
    from: 'east',
    to: 'west',
    epoch: 7,
    step: 'publishing',
    outcome: 'done',
    by: 'automatic',
    reason: 'east is down',
    verdict: null,
    term: 3,
    attempt: 1,
    lossMs: 40,
    automaticAt: now.getTime(),
    acknowledged: false,
    startedAt: now.getTime() - 9_000,
    steps: [
      { step: 'fencing', atMs: 3 },
      { step: 'granting', atMs: 2600 },
    ],
  },
  blockedMs: 3_500_000,
}

const nodes: NodesReport = {
  self: 'gw-west',
  leader: { node: 'gw-west', term: 3, self: true, admin: null },
  store: { type: 'memory', reachable: true, answeredMs: 20 },
  nodes: [
    {
      node: 'gw-west',
      site: 'west',
      domain: 'west',
      roles: ['controller'],
      address: '10.0.1.2:9940',
      link: 'self',
      sinceMs: null,
      answeredMs: null,
      roundTripMs: null,
      admin: null,
      why: '',
      abstains: null,
    },
    {
      node: 'witness',
      site: null,
      domain: 'witness',
      roles: ['observer'],
      address: '10.0.2.2:9940',
      link: 'up',
      sinceMs: 9000,
      answeredMs: 210,
      roundTripMs: 1.4,
      admin: null,
      why: '',
      abstains: 'it was stopped for 900 ms',
    },
  ],
}

const state: FailoverState = { leader: nodes.leader, units: [unit], drains: [], nodes }

function all(node: Node): Element[] {
  return typeof node === 'string' ? [] : [node, ...node.children.flatMap(all)]
}

function wishes(units: readonly UnitReport[]): (string | undefined)[] {
  return all(failover({ ...state, units }, now, words)!)
    .map(({ attributes }) => attributes['data-wish'])
    .filter((wish) => wish !== undefined)
}

test('a unit says who writes it, why, what moved it and when, in both languages', () => {
  const text = textOf(failover(state, now, words)!)
  assert.match(text, /gw-west leads, term 3store memory answered 20 ms ago/)
  assert.match(text, /shopwest8✓heldrenewed 200 ms ago.*east ✕down catching up.*west ✓up/)
  assert.match(
    text,
    /Failover east → west✓doneby itself: east is down · 9 s ago · writes of the last 40 ms may be missing/,
  )
  assert.match(text, /fencing \+3 msgranting \+2\.6 s/)
  assert.match(text, /abstains: it was stopped for 900 ms/)
  const chinese = textOf(failover(state, now, languages.zh)!)
  assert.match(chinese, /所在站点正常.*故障转移：east → west✓完成/)
})

test('only what can be done is offered', () => {
  assert.deepEqual(wishes([unit]), ['why', 'move', 'failback', 'acknowledge', 'automation'])
  assert.deepEqual(wishes([{ ...unit, owner: 'east', blockedMs: 0 }]), ['why', 'move', 'automation'])
  const moving = { ...unit, blockedMs: 0, run: { ...unit.run!, outcome: null } }
  assert.deepEqual(wishes([moving]), ['why', 'automation'])
})

test('why shows whose words made each verdict', () => {
  const text = whyView(unit, words)
    .map((node) => textOf(node))
    .join('')
  assert.match(text, /^shop is at westverdict up/)
  assert.match(text, /east✕downobservers of enough failure domains say soWay back: catching up/)
  assert.match(text, /gw-westwest✕downcountedrefused120 msnever heard/)
})

test('what needs somebody is in the banner', () => {
  const broken = (change: Partial<FailoverState>): string[] =>
    failoverTroubles({ ...state, ...change }, words)
  assert.match(broken({})[0]!, /^shop: No failover by itself for 58 min/)
  const moving = { ...unit, blockedMs: 0, run: { ...unit.run!, outcome: null } }
  assert.deepEqual(broken({ units: [moving] }), ['shop: Failover east → west, publishing'])
  assert.deepEqual(broken({ units: [], leader: null }), ['nobody leads: nothing moves'])
  const summary = summarise(report(), [], null, now, words, broken({}))
  assert.deepEqual([summary.tone, summary.headline], ['warn', words.attention])
  assert.deepEqual(failoverTroubles(null, words), [])
})

test('a process that decides nothing is asked again after half a minute only', async () => {
  let asked = 0
  const question = failoverQuestion({
    async get() {
      asked++
      throw new Refusal(404, { error: 'failover-off' })
    },
  })
  assert.equal(await question.ask(0), null)
  assert.equal(await question.ask(29_000), null)
  assert.equal(asked, 2)
  await question.ask(31_000)
  assert.equal(asked, 4)
  assert.equal(failover(null, now, words), null)
})
