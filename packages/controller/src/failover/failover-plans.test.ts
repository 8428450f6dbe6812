import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditDraft, AuditRecord, ServiceConfig, SiteVerdict } from '@budao/model'
import { grantedLease } from '@budao/model'
import { failoverConfig } from '../../test/failover-config.ts'
import { brokenLink, chainAudit } from './audit-chain.ts'
import { planDrain } from './drain-plan.ts'
import { failbackOrder, returnsByItself, stepFailback } from './failback.ts'
import type { FailbackFacts, FailbackState } from './failback.ts'
import { leaderTerms, newLeadership, stepLeadership } from './leadership.ts'
import type { LeaderRecord, LeadershipEffect, LeadershipEvent, LeadershipState } from './leadership.ts'
import { nextRuns } from './run-queue.ts'
import { unitRules } from './unit-rules.ts'
import { unknownUnit } from './unit-state.ts'
import { reportUnit } from './unit-report.ts'
import { spreadPlacement, unitsOf } from './units.ts'
import type { UnitState } from './unit-state.ts'

const failover = { ...failoverConfig, every: 0 }

function unit(
  name: string,
  states: Record<string, SiteVerdict['state']>,
  change: Partial<UnitState> = {},
): UnitState {
  const rules = unitRules(name, name, Object.keys(states), failover)
  const verdicts = Object.entries(states).map(([site, state]): SiteVerdict => ({
    service: name,
    site,
    state,
    code: 'agreed',
    votes: [],
  }))
  const lease = { version: 1, value: grantedLease(name, 'east', null, rules) }
  return { ...unknownUnit(rules), lease, run: null, verdicts, ...change }
}

test('fifty units that fail at once go eight at a time, the highest priority first', () => {
  const wants = {
    kind: 'failover',
    to: 'west',
    by: 'automatic',
    reason: '',
    verdict: null,
    wish: null,
    person: false,
  } as const
  const units = Array.from({ length: 50 }, (_, index) => {
    const state = unit(`u${String(index).padStart(2, '0')}`, { east: 'down', west: 'up' }, { wants })
    return { ...state, rules: { ...state.rules, priority: index === 49 ? 90 : 50 } }
  })
  assert.deepEqual(nextRuns(units), ['u49', 'u00', 'u01', 'u02', 'u03', 'u04', 'u05', 'u06'])
  assert.deepEqual(nextRuns(units, 0), [])
})

test('of one service only one unit moves at a time', () => {
  const wants = {
    kind: 'failover',
    to: 'west',
    by: 'automatic',
    reason: '',
    verdict: null,
    wish: null,
    person: false,
  } as const
  const units = ['shop/east', 'shop/west', 'cart/east'].map((name) => {
    const state = unit(name, { east: 'down', west: 'up' }, { wants })
    return { ...state, rules: { ...state.rules, service: name.split('/')[0]! } }
  })
  assert.deepEqual(nextRuns(units), ['cart/east', 'shop/east'])
})

const endpoints = ['east', 'west'].map((site) => ({
  address: '127.0.0.1:1',
  site,
  weight: 1,
  release: 'stable',
  rank: 0,
}))
const service = { endpoints, failover } as unknown as ServiceConfig

test('a service has one unit, one for each of its sites, or none, by its mode', () => {
  const units = (mode: ServiceConfig['mode']) =>
    unitsOf('shop', { ...service, mode }, ['west', 'east', 'north']).map(({ unit: name, sites }) => [
      name,
      ...sites,
    ])
  assert.deepEqual(units('active-standby'), [['shop', 'west', 'east']])
  assert.deepEqual(units('multi-active'), [
    ['shop/west', 'west', 'east'],
    ['shop/east', 'east', 'west'],
  ])
  assert.deepEqual(units('active-active'), [])
})

test('all sites of an active-active service that are not down serve, and the last that did when none is left', () => {
  const verdict = (site: string, state: SiteVerdict['state']): SiteVerdict => ({
    service: 'shop',
    site,
    state,
    code: 'agreed',
    votes: [],
  })
  const sites = ['east', 'west']
  const first = spreadPlacement('shop', null, sites, [], [])
  assert.deepEqual([first.epoch, first.readers], [1, sites])
  const second = spreadPlacement('shop', first, sites, [verdict('east', 'down')], [])
  assert.deepEqual([second.epoch, second.readers], [2, ['west']])
  const dead = spreadPlacement('shop', second, sites, [verdict('east', 'down'), verdict('west', 'down')], [])
  assert.equal(dead, second)
  assert.deepEqual(spreadPlacement('shop', second, sites, [], ['west']).readers, ['east'])
})

test('a unit explains itself: who has it, what everybody thinks, why it stays', () => {
  const state = unit('shop', { east: 'up', west: 'up' })
  const report = reportUnit(state, { now: 10, wall: 0 })
  assert.deepEqual([report.owner, report.epoch, report.lease, report.leads], ['east', 1, 'granted', false])
  assert.equal(report.verdicts.length, 2)
})

test('draining a site moves what is there, and is refused where no healthy site would be left', () => {
  const order = { force: false, reason: '' }
  const fine = unit('shop', { east: 'up', west: 'up' })
  const alone = unit('cart', { east: 'up', west: 'down' })
  const elsewhere = unit('mail', { north: 'up' })
  assert.deepEqual(planDrain('east', [fine, elsewhere], order), {
    ok: true,
    moves: [{ unit: 'shop', to: 'west' }],
    lost: [],
  })
  assert.deepEqual(planDrain('east', [fine, alone], order), {
    ok: false,
    refused: [{ unit: 'cart', why: 'no healthy site would be left' }],
  })
  assert.equal(planDrain('east', [alone], { force: true, reason: ' ' }).ok, false)
  assert.deepEqual(planDrain('east', [alone], { force: true, reason: 'the building burns' }), {
    ok: true,
    moves: [],
    lost: ['cart'],
  })
})

test('the way back: fenced, catching up, shadow, ready; and to the start where something speaks against it', () => {
  const position = {
    service: 'shop',
    site: 'east',
    position: 10,
    epoch: 1,
    lagMs: 5_000,
    divergence: 0,
    capacityPercent: 100,
  }
  const facts: FailbackFacts = { owner: 'west', site: 'east', verdict: 'down', position }
  const caughtUp = { ...facts, verdict: 'up' as const, position: { ...position, lagMs: 200 } }
  let state: FailbackState = { stage: 'serving', since: 0 }
  const go = (what: FailbackFacts, now: number): string =>
    (state = stepFailback(state, what, 30_000, now)).stage
  assert.equal(go(facts, 1), 'fenced')
  assert.equal(failbackOrder('fenced'), 'fence')
  assert.equal(go({ ...facts, verdict: 'up' }, 2), 'catching-up')
  assert.equal(go({ ...facts, verdict: 'up' }, 3), 'catching-up')
  assert.equal(go({ ...caughtUp, position: { ...caughtUp.position, divergence: 1 } }, 4), 'catching-up')
  assert.equal(go(caughtUp, 5), 'shadow')
  // As old as what is known of a site that lacks nothing becomes: asked, and told, twice a second each.
  assert.equal(go({ ...caughtUp, position: { ...caughtUp.position, lagMs: 1_500 } }, 15_000), 'shadow')
  assert.equal(go(caughtUp, 30_004), 'shadow')
  assert.equal(go(caughtUp, 30_005), 'ready')
  assert.equal(returnsByItself('automatic', ['east', 'west'], state, facts), true)
  assert.equal(returnsByItself('automatic', ['west', 'east'], state, facts), false)
  assert.equal(returnsByItself('manual', ['east', 'west'], state, facts), false)
  assert.equal(go({ ...caughtUp, position: { ...position, divergence: 3 } }, 30_006), 'catching-up')
  assert.equal(go({ ...caughtUp, verdict: 'down' }, 30_007), 'fenced')
  assert.equal(go({ ...caughtUp, owner: 'east' }, 30_008), 'serving')
})

test('the audit chain shows what was changed, removed or put in', () => {
  const draft: AuditDraft = {
    at: '2026-11-26T20:00:00.000Z',
    actor: 'ann',
    action: 'run.started',
    subject: 'shop',
    term: 1,
    epoch: 7,
    detail: { to: 'west', from: 'east' },
  }
  const records: AuditRecord[] = []
  for (let index = 0; index < 4; index++)
    records.push(chainAudit(records.at(-1) ?? null, { ...draft, epoch: index }))
  assert.equal(brokenLink(records), null)
  assert.equal(brokenLink(JSON.parse(JSON.stringify(records)) as AuditRecord[]), null)
  assert.equal(brokenLink(records.slice(2), records[1]!), null)
  const changed = records.map((record) => (record.seq === 3 ? { ...record, actor: 'bob' } : record))
  assert.deepEqual(brokenLink(changed), { seq: 3, why: 'changed' })
  const removed = records.filter(({ seq }) => seq !== 2)
  assert.deepEqual(brokenLink(removed), { seq: 3, why: 'removed-before' })
  assert.deepEqual(brokenLink(records.slice(1)), { seq: 2, why: 'removed-before' })
})

/** Controllers over one record, whose answers come at once unless they are held back. */
class Election {
  record: { version: number; value: LeaderRecord } | null = null
  now = 0
  readonly log: string[] = []
  readonly states = new Map<string, LeadershipState>()
  readonly silent = new Set<string>()

  add(name: string): void {
    this.states.set(name, newLeadership(name, this.now))
  }

  feed(name: string, event: LeadershipEvent): void {
    const { state, effects } = stepLeadership(this.states.get(name)!, event, this.now, { next: () => 0.5 })
    this.states.set(name, state)
    for (const effect of effects) this.#carryOut(name, effect)
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 50) {
      for (const name of this.states.keys()) if (!this.silent.has(name)) this.feed(name, { kind: 'tick' })
    }
  }

  #carryOut(name: string, effect: LeadershipEffect): void {
    const led = effect.kind === 'led' ? `${name} leads ${effect.term}` : ''
    if (effect.kind === 'led') {
      if (!this.log.includes(led)) this.log.push(led)
    } else if (effect.kind === 'unled') this.log.push(`${name} follows`)
    else if (effect.kind === 'read') this.feed(name, { kind: 'read', record: this.record })
    else if (effect.kind === 'store') {
      const ok = (this.record?.version ?? 0) === effect.version
      if (ok) this.record = { version: effect.version + 1, value: effect.record }
      this.feed(name, { kind: 'stored', result: { ok, current: this.record } })
      if (!ok) return
      for (const other of this.states.keys())
        if (other !== name && !this.silent.has(other))
          this.feed(other, { kind: 'seen', record: this.record! })
    }
  }
}

test('one leads while it renews; when it falls silent another one takes the next term after its lease', () => {
  const election = new Election()
  election.add('a')
  election.add('b')
  election.run(5_000)
  assert.deepEqual(election.log, ['a leads 1'])
  election.silent.add('a')
  election.run(leaderTerms.ttlMs)
  assert.deepEqual(election.log, ['a leads 1'])
  election.run(600)
  assert.deepEqual(election.log, ['a leads 1', 'b leads 2'])
  election.silent.delete('a')
  election.run(1_000)
  assert.deepEqual(election.log, ['a leads 1', 'b leads 2', 'a follows'])
})

test('a leader that is surely gone is not waited for', () => {
  const election = new Election()
  election.add('a')
  election.add('b')
  election.run(1_000)
  election.silent.add('a')
  election.feed('b', { kind: 'gone', holder: 'someone else' })
  assert.equal(election.log.length, 1)
  election.feed('b', { kind: 'gone', holder: 'a' })
  assert.equal(election.log.at(-1), 'b leads 2')
})

test('a leader whose renewals are not answered stops before its lease ends', () => {
  let state = newLeadership('a', 0)
  const effects: LeadershipEffect[] = []
  const feed = (event: LeadershipEvent, now: number): void => {
    const step = stepLeadership(state, event, now, { next: () => 0 })
    state = step.state
    effects.push(...step.effects)
  }
  const record = { version: 1, value: { term: 1, holder: 'a', renewal: 0 } }
  feed({ kind: 'tick' }, 0)
  feed({ kind: 'read', record: null }, 1)
  feed({ kind: 'stored', result: { ok: true, current: record } }, 5)
  feed({ kind: 'tick' }, 301)
  feed({ kind: 'stored', result: null }, 801)
  feed({ kind: 'read', record: undefined }, 1_301)
  feed({ kind: 'tick' }, 1_350)
  assert.equal(effects.at(-1)?.kind === 'unled' || effects.some(({ kind }) => kind === 'unled'), false)
  feed({ kind: 'tick' }, 1_352)
  assert.ok(effects.some(({ kind }) => kind === 'unled'))
})
