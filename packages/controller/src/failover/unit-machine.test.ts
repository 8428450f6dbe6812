import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailoverRun, SiteVerdict, Versioned, WriteLease } from '@budao/model'
import { grantedLease, leaseKey, renewedLease, runKey } from '@budao/model'
import { Bench, rules, running } from '../../test/unit-bench.ts'
import { stepUnit } from './unit-machine.ts'
import type { UnitRules } from './unit-rules.ts'

test('the first site in order that is up gets the first epoch, and the next one if it does not take it', () => {
  const bench = new Bench()
  bench.feed({ kind: 'led', term: 1, until: Infinity })
  assert.equal(bench.store.size, 0)
  bench.verdicts({ east: 'up', west: 'up' })
  assert.deepEqual([bench.lease.epoch, bench.lease.site, bench.lease.state], [1, 'east', 'granted'])
  bench.positions(['east', 'west'])
  bench.tick(1_500)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

test('where gateways are only just starting, the first to come does not get what another one is preferred for', () => {
  const bench = new Bench()
  bench.feed({ kind: 'led', term: 1, until: Infinity })
  bench.verdicts({ east: 'up', west: 'up' })
  bench.tick(1_500)
  bench.positions(['west'])
  bench.tick(1_500)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [1, 'east'])
  bench.tick(13_500)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'], 'it never came')
})

test('who does not lead does nothing, and says so', () => {
  const bench = new Bench()
  bench.verdicts({ east: 'down', west: 'up' })
  assert.deepEqual(bench.effects, [])
  assert.equal(bench.state.explanation?.code, 'not-leader')
})

test('a site that is down: fenced, waited for, and the other one takes the next epoch; told once, with what is lost', () => {
  const bench = running()
  bench.verdicts({ east: 'down', west: 'up' })
  assert.equal(bench.lease.state, 'fenced')
  assert.deepEqual(bench.orders(), ['fence east'])
  bench.tick(2_000)
  assert.equal(bench.lease.epoch, 1, 'its lease may not have ended')
  bench.tick(300)
  assert.deepEqual([bench.lease.epoch, bench.lease.site, bench.lease.state], [2, 'west', 'granted'])
  bench.renew('west')
  assert.equal(bench.run.outcome, null)
  bench.published()
  const { outcome, to, lossMs, steps, by } = bench.run
  assert.deepEqual({ outcome, to, lossMs, by }, { outcome: 'done', to: 'west', lossMs: 40, by: 'automatic' })
  assert.deepEqual(
    steps.map(({ step }) => step),
    ['fencing', 'waiting', 'granting', 'claiming', 'publishing'],
  )
  const told = bench.effects.filter((effect) => effect.kind === 'notify')
  assert.deepEqual(
    told.map(({ id }) => id),
    ['shop@1/done'],
  )
})

test('who reads is published anew within an epoch: a site that came back is read from again', () => {
  const bench = running()
  bench.verdicts({ east: 'up', west: 'down' })
  bench.tick(100)
  bench.verdicts({ east: 'up', west: 'suspect' })
  bench.tick(100)
  const published = bench.effects.flatMap((effect) => (effect.kind === 'publish' ? [effect.placement] : []))
  assert.deepEqual(
    published.map(({ epoch, readers }) => [epoch, readers.join(' ')]),
    [
      [1, 'east west'],
      [1, 'east'],
      [1, 'east west'],
    ],
  )
})

test('the word of the agent that the holder has stopped is as good as its lease’s end', () => {
  const bench = running()
  bench.verdicts({ east: 'down', west: 'up' })
  bench.answer(true)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

test('an agent that could not be reached is asked again', () => {
  const bench = running()
  bench.verdicts({ east: 'down', west: 'up' })
  bench.answer(false)
  bench.tick(250)
  assert.deepEqual(bench.orders(), ['fence east', 'fence east'])
})

test('where only one observer’s renewals are late, fence: process needs two domains', () => {
  const bench = running({ fence: 'process' })
  bench.verdicts({ east: 'down', west: 'up' })
  assert.equal(bench.lease.state, 'fenced', 'a verdict without votes proves nothing')
})

test('a target that does not take it is passed over for another one that is up', () => {
  const bench = running()
  bench.verdicts({ east: 'down', west: 'up' })
  bench.answer(true)
  bench.verdicts({ east: 'up', west: 'down' })
  bench.tick(1_500)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [3, 'east'])
  bench.renew('east')
  bench.published()
  assert.equal(bench.run.outcome, 'rolled-back')
})

test('a site that came back before anything was done keeps its work', () => {
  const store = new Map<string, Versioned>()
  const dead = new Bench({}, store)
  dead.feed({ kind: 'led', term: 1, until: Infinity })
  dead.verdicts({ east: 'up', west: 'up' })
  dead.renew('east')
  store.set(runKey('shop'), { version: 1, value: { ...runFrom('east', 'west', 1), verdict: downVerdict } })
  const next = new Bench({}, store)
  next.verdicts({ east: 'up', west: 'up' })
  next.feed({ kind: 'led', term: 2, until: Infinity })
  assert.equal(next.run.outcome, 'rolled-back')
  assert.deepEqual([next.lease.epoch, next.lease.state], [1, 'held'])
})

test('a successor goes on from every point at which a leader may die, and the run ends once', () => {
  for (let stores = 1; stores <= 5; stores++) {
    const store = new Map<string, Versioned>()
    const first = new Bench({}, store)
    first.feed({ kind: 'led', term: 1, until: Infinity })
    first.verdicts({ east: 'up', west: 'up' })
    first.renew('east')
    first.storesLeft = stores
    first.verdicts({ east: 'down', west: 'up' })
    if (first.effects.some((effect) => effect.kind === 'order')) first.answer(true)
    const second = new Bench({}, store)
    second.now = 50_000
    second.verdicts({ east: 'down', west: 'up' })
    second.feed({ kind: 'led', term: 2, until: Infinity })
    second.tick(3_000)
    if (second.lease.state === 'granted') second.renew('west')
    second.tick(600)
    assert.deepEqual(
      [second.lease.epoch, second.lease.site, second.run.outcome],
      [2, 'west', 'done'],
      `after ${stores} stores`,
    )
    assert.equal(second.run.id, 'shop@1')
  }
})

test('a fence that comes after the run was given up leaves nobody without a writer', () => {
  const bench = running()
  const record = bench.store.get(leaseKey('shop')) as Versioned<WriteLease>
  const late = { version: record.version + 1, value: { ...record.value, state: 'fenced' as const } }
  bench.store.set(leaseKey('shop'), late)
  bench.feed({ kind: 'lease', record: late })
  bench.answer(true)
  assert.deepEqual([bench.lease.epoch, bench.lease.site, bench.lease.state], [2, 'east', 'granted'])
})

test('a second failover by itself waits an hour, or for a person', () => {
  const bench = running()
  const move = (from: string, to: string): void => {
    bench.verdicts({ [from]: 'down', [to]: 'up' })
    bench.answer(true)
    bench.renew(to)
    bench.published()
  }
  move('east', 'west')
  bench.tick(60_000)
  bench.renew('west')
  bench.verdicts({ east: 'up', west: 'down' })
  assert.equal(bench.state.explanation?.code, 'rate-limited')
  assert.equal(bench.lease.site, 'west')
  bench.feed({ kind: 'wish', wish: { id: 'a', wish: 'acknowledge', by: 'ann' } })
  assert.equal(bench.lease.state, 'fenced')
})

test('the gating switch and the assertions', () => {
  const cases: [change: Partial<UnitRules>, verdicts: Record<string, SiteVerdict['state']>, code: string][] =
    [
      [{ automation: 'advise' }, { east: 'down', west: 'up' }, 'automation-advise'],
      [{ automation: 'off' }, { east: 'down', west: 'up' }, 'automation-off'],
      [{}, { east: 'down', west: 'down' }, 'no-target'],
      [{}, { east: 'advise', west: 'up' }, 'no-witness'],
      [{ minSites: 2 }, { east: 'down', west: 'up' }, 'last-healthy-site'],
      [{ lagMaxMs: 1000 }, { east: 'down', west: 'up' }, 'target-lags'],
      [{ lossless: true }, { east: 'down', west: 'up' }, 'target-lags'],
      [{}, { east: 'suspect', west: 'up' }, 'owner-suspect'],
      [{}, { east: 'degraded', west: 'up' }, 'owner-degraded'],
    ]
  for (const [change, verdicts, code] of cases) {
    const bench = running(change)
    bench.verdicts(verdicts)
    assert.deepEqual([bench.state.explanation?.code, bench.lease.epoch, bench.lease.state], [code, 1, 'held'])
  }
})

test('data is restored at the site that takes over, and at another one if that is lost meanwhile', () => {
  const bench = running({ restores: true, sites: ['east', 'west', 'north'] })
  bench.verdicts({ east: 'down', west: 'up', north: 'up' })
  bench.answer(true)
  assert.deepEqual(bench.orders(), ['fence east', 'restore west'])
  const late = bench.effects.findLast((effect) => effect.kind === 'order')!.order.stepId
  bench.verdicts({ east: 'down', west: 'down', north: 'up' })
  assert.deepEqual(bench.orders().at(-1), 'restore north')
  bench.feed({ kind: 'answer', answer: { stepId: late, ok: true, why: '' } })
  assert.equal(bench.lease.epoch, 1, 'what west says is no word on north')
  bench.answer(true)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'north'])
})

test('a planned move waits until the new site has everything, and says that nothing is lost', () => {
  const bench = running()
  bench.wish({})
  assert.deepEqual(bench.orders(), ['drain east'])
  bench.answer(true, 120)
  const position = {
    service: 'shop',
    site: 'west',
    epoch: 1,
    lagMs: 100,
    divergence: 0,
    capacityPercent: 100,
  }
  bench.feed({ kind: 'positions', positions: [{ ...position, position: 119 }] })
  assert.equal(bench.lease.epoch, 1)
  bench.feed({ kind: 'positions', positions: [{ ...position, epoch: 0, position: 130 }] })
  assert.equal(bench.lease.epoch, 1, 'writes of another epoch are others')
  bench.feed({ kind: 'positions', positions: [{ ...position, position: 120 }] })
  assert.deepEqual([bench.lease.epoch, bench.lease.site, bench.lease.inSync], [2, 'west', ['west']])
})

test('a planned move whose new site does not catch up gives the work back', () => {
  const bench = running()
  bench.wish({})
  bench.answer(true, 120)
  bench.tick(10_000)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'east'])
})

test('what a person may not have is refused with the reason', () => {
  const cases: [wish: Parameters<Bench['wish']>[0], west: SiteVerdict['state'], says: RegExp][] = [
    [{ to: 'east' }, 'up', /is at east already/],
    [{ to: 'north' }, 'up', /expected one of east, west, found north/],
    [{}, 'down', /west cannot take shop: not-up/],
    [{ reason: ' ' }, 'up', /needs a reason/],
    [{ run: 'failover' }, 'up', /east is well: a switchover loses nothing/],
  ]
  for (const [wish, west, says] of cases) {
    const bench = running()
    bench.verdicts({ east: 'up', west })
    bench.wish(wish)
    const reply = bench.effects.find((effect) => effect.kind === 'reply')!
    assert.equal(reply.ok, false)
    assert.match(reply.why.message, says)
  }
})

test('a site that serves, and where nobody answers who lets writes in, keeps the unit as long as its lease is renewed', () => {
  const cutOff: SiteVerdict = {
    ...{ service: 'shop', site: 'east', state: 'suspect', code: 'vetoed' },
    votes: ['west', 'witness'].map((domain) => ({
      ...{ observer: domain, domain, state: 'down', use: domain === 'west' ? 'veto' : 'counted' },
      ...{ causes: ['silence'], ageMs: 0, silentMs: 2_000 },
    })),
  }
  const west: SiteVerdict = { service: 'shop', site: 'west', state: 'up', code: 'agreed', votes: [] }
  const bench = running()
  bench.tick(2_000)
  bench.renew('east')
  bench.feed({ kind: 'verdicts', verdicts: [cutOff, west] })
  bench.tick(2_500)
  assert.deepEqual([bench.lease.state, bench.state.explanation?.code], ['held', 'vetoed'])
  bench.tick(1)
  assert.equal(bench.run.reason, 'east cannot renew its lease')
  bench.tick(252)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

/** Observers of both other domains are patient, and have heard nothing of east. */
const unheard: readonly SiteVerdict[] = [
  {
    ...{ service: 'shop', site: 'east', state: 'up', code: 'agreed' },
    votes: ['west', 'witness'].map((domain) => ({
      ...{ observer: domain, domain, state: 'up', use: 'counted', causes: [], ageMs: 0, silentMs: 1_600 },
    })),
  },
  { service: 'shop', site: 'west', state: 'up', code: 'agreed', votes: [] },
]

test('a lease that has ended and a site that nobody hears are enough, whatever patience observers have', () => {
  const bench = running()
  bench.tick(2_000)
  bench.renew('east')
  bench.feed({ kind: 'verdicts', verdicts: unheard })
  bench.tick(2_500)
  assert.equal(bench.lease.state, 'held', 'it may be renewed at this very moment')
  bench.tick(1)
  assert.equal(bench.run.reason, 'east cannot renew its lease')
  bench.tick(252)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

test('who has just begun to lead gives the holder the time of one renewal more', () => {
  const bench = running()
  bench.tick(3_000)
  bench.feed({ kind: 'unled' })
  bench.feed({ kind: 'led', term: 2, until: Infinity })
  bench.feed({ kind: 'verdicts', verdicts: unheard })
  bench.tick(600)
  assert.equal(bench.lease.state, 'held')
  bench.tick(1)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

test('a holder that cannot renew loses its work although its site looks well', () => {
  const bench = running()
  for (let ms = 0; ms < 4_000; ms += 500) bench.tick(500)
  assert.equal(bench.lease.state, 'held')
  bench.tick(600)
  bench.tick(300)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

test('a standby that is down is taken from those that are waited for, and that is announced', () => {
  const bench = running()
  const record = bench.store.get(leaseKey('shop')) as Versioned<WriteLease>
  const inSync = { version: record.version + 1, value: { ...record.value, inSync: ['west'] } }
  bench.store.set(leaseKey('shop'), inSync)
  bench.feed({ kind: 'lease', record: inSync })
  bench.verdicts({ east: 'up', west: 'down' })
  assert.deepEqual(bench.lease.inSync, [])
  assert.ok(
    bench.effects.some((effect) => effect.kind === 'notify' && effect.what.code === 'in-sync-reduced'),
  )
})

test('nothing is stored on a guess: after an answer that was lost it is read first', () => {
  const bench = running()
  const { state, effects } = stepUnit(
    { ...bench.state, storing: 'x' },
    { kind: 'stored', ref: 'x', ok: null, current: null },
    { now: 5_000, wall: 0 },
  )
  assert.deepEqual(
    effects.map(({ kind }) => kind),
    ['read', 'read'],
  )
  assert.equal(stepUnit(state, { kind: 'tick' }, { now: 5_001, wall: 0 }).effects.length, 0)
})

test('a leader that was stopped for longer than its lease does nothing when it goes on', () => {
  const bench = running()
  bench.feed({ kind: 'led', term: 1, until: 3_000 })
  bench.tick(10_000)
  bench.verdicts({ east: 'down', west: 'up' })
  assert.deepEqual([bench.lease.epoch, bench.lease.state], [1, 'held'])
  assert.equal(bench.state.explanation?.code, 'not-leader')
})

test('where no other site may take it, the old one gets it back rather than nobody', () => {
  const bench = running({ lossless: true })
  const record = bench.store.get(leaseKey('shop')) as Versioned<WriteLease>
  bench.store.set(runKey('shop'), { version: 1, value: { ...runFrom('east', 'west', 1), verdict: null } })
  bench.store.set(leaseKey('shop'), {
    version: record.version + 1,
    value: { ...record.value, state: 'fenced' },
  })
  bench.feed({ kind: 'run', record: bench.store.get(runKey('shop')) as Versioned<FailoverRun> })
  bench.feed({ kind: 'lease', record: bench.store.get(leaseKey('shop')) as Versioned<WriteLease> })
  bench.answer(true)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'east'])
})

test('a lease is granted only after the one before it, and claimed only by its site', () => {
  const first = grantedLease('shop', 'east', null, rules)
  assert.equal(renewedLease(first, 'west', 'w#1'), null)
  const held = renewedLease(first, 'east', 'e#1', 0)!
  const second = grantedLease('shop', 'west', { ...held, state: 'fenced' }, rules)
  assert.deepEqual([second.epoch, second.heldBefore], [2, 1])
  const third = grantedLease('shop', 'east', second, rules)
  assert.deepEqual([third.epoch, third.heldBefore], [3, 1], 'nobody wrote in the second')
})

const downVerdict: SiteVerdict = { service: 'shop', site: 'east', state: 'down', code: 'quorum', votes: [] }

function runFrom(from: string, to: string, epoch: number): FailoverRun {
  return {
    id: `shop@${epoch}`,
    unit: 'shop',
    kind: 'failover',
    from,
    to,
    epoch,
    step: 'fencing',
    outcome: null,
    by: 'automatic',
    reason: 'east is down',
    verdict: downVerdict,
    term: 1,
    attempt: 1,
    lossMs: null,
    automaticAt: null,
    acknowledged: false,
    startedAt: 1e12,
    steps: [],
  }
}

test('a planned move to a site whose data differs is refused with the count, before anybody stops writing', () => {
  const position = {
    service: 'shop',
    site: 'west',
    position: 9,
    epoch: 1,
    lagMs: 0,
    divergence: 2,
    capacityPercent: 100,
  }
  const bench = running()
  bench.feed({ kind: 'positions', positions: [position] })
  bench.wish({ run: 'switchover', to: 'west', by: 'ann' })
  const [reply] = bench.effects.filter((effect) => effect.kind === 'reply')
  assert.equal(reply!.ok, false)
  assert.match(reply!.why.message, /2 of its writes differ from east/)
  assert.equal(bench.lease.state, 'held')
  bench.feed({ kind: 'positions', positions: [{ ...position, divergence: 0 }] })
  bench.wish({ run: 'switchover', to: 'west', by: 'ann' })
  assert.equal(bench.lease.state, 'fenced')
})

test('a lease that its holder let go of is over at once, whoever answers', () => {
  const bench = running()
  const { version, value } = bench.store.get(leaseKey('shop')) as Versioned<WriteLease>
  const released = { version: version + 1, value: { ...value, holder: '', renewal: value.renewal + 1 } }
  bench.store.set(leaseKey('shop'), released)
  bench.feed({ kind: 'lease', record: released })
  bench.verdicts({ east: 'down', west: 'up' })
  assert.deepEqual([bench.lease.epoch, bench.lease.site, bench.lease.state], [2, 'west', 'granted'])
})

test('a move that no person wanted acknowledges no failover before it', () => {
  for (const unattended of [true, false]) {
    const bench = running()
    bench.verdicts({ east: 'down', west: 'up' })
    bench.answer(true)
    bench.renew('west')
    bench.published()
    assert.deepEqual([bench.run.outcome, bench.run.acknowledged], ['done', false])
    bench.verdicts({ east: 'up', west: 'up' })
    bench.wish({ run: 'failback', to: 'east', by: 'policy', unattended })
    assert.equal(bench.run.acknowledged, !unattended)
  }
})

test('a store that does not say whether the end of a move was stored: it is recorded once, and the journal keeps its steps', () => {
  const bench = running()
  bench.verdicts({ east: 'down', west: 'up' })
  bench.answer(true)
  bench.renew('west')
  bench.forgetful = 2
  bench.published()
  assert.equal(bench.run.outcome, 'done')
  assert.deepEqual(
    bench.run.steps.map(({ step }) => step),
    ['fencing', 'waiting', 'granting', 'claiming', 'publishing'],
  )
  const ends = bench.effects.filter((each) => each.kind === 'audit' && each.draft.action === 'run.finished')
  assert.equal(ends.length, 1)
})
