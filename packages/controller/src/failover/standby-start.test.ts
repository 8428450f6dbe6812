import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, rules, running } from '../../test/unit-bench.ts'
import { destinationOf } from './destination.ts'
import { planDrain } from './drain-plan.ts'
import { chooseTarget } from './target-choice.ts'
import { reportUnit } from './unit-report.ts'
import type { UnitRules } from './unit-rules.ts'

const three = { sites: ['east', 'west', 'north'] }

/** East writes, west is cold. */
function cold(change: Partial<UnitRules> = {}): Bench {
  const bench = running(change)
  bench.verdicts({ east: 'up', west: 'down', ...(change.sites === undefined ? {} : { north: 'down' }) })
  bench.standbys({ west: 'cold' })
  later(bench, 15_000)
  return bench
}

/** Time passes, and the owner renews. */
function later(bench: Bench, ms: number): void {
  bench.now += ms
  bench.renew('east')
}

test('a cold site is started before anything is taken from the old one, and gets the work once it is well', () => {
  const bench = cold()
  bench.verdicts({ east: 'down', west: 'down' })
  assert.deepEqual([bench.run.step, bench.lease.state], ['starting', 'held'])
  assert.deepEqual(bench.orders(), ['start west'])
  assert.equal(bench.state.explanation?.code, 'standby-starting')
  bench.answer(true)
  bench.standbys({ west: 'starting' }, true)
  bench.tick(3_000)
  bench.standbys({ west: 'warm' }, true)
  assert.deepEqual([bench.lease.epoch, bench.lease.state], [1, 'held'], 'observers do not find it well yet')
  bench.verdicts({ east: 'down', west: 'up' })
  // Meanwhile the old lease has ended: nothing is waited for.
  assert.deepEqual([bench.lease.epoch, bench.lease.site, bench.lease.state], [2, 'west', 'granted'])
  bench.renew('west')
  bench.published()
  assert.deepEqual([bench.run.outcome, bench.run.to], ['done', 'west'])
  assert.deepEqual(
    bench.run.steps.map(({ step }) => step),
    ['starting', 'fencing', 'granting', 'claiming', 'publishing'],
  )
})

test('a warm site comes before a cold one, also one that has become well while the other starts', () => {
  const bench = cold(three)
  bench.verdicts({ east: 'down', west: 'down', north: 'degraded' })
  assert.equal(bench.run.to, 'north')
  assert.deepEqual(
    bench.orders().filter((order) => order.startsWith('start')),
    [],
  )
  const second = cold(three)
  second.verdicts({ east: 'down', west: 'down', north: 'down' })
  second.answer(true)
  second.tick(1_000)
  second.verdicts({ east: 'down', west: 'down', north: 'up' })
  second.tick(2_000)
  assert.deepEqual([second.lease.epoch, second.lease.site], [2, 'north'])
})

test('the owner comes back while the standby starts: nothing was taken from it, and it keeps the work', () => {
  const bench = cold()
  bench.verdicts({ east: 'down', west: 'down' })
  bench.answer(true)
  bench.verdicts({ east: 'up', west: 'down' })
  assert.deepEqual(
    [bench.run.outcome, bench.lease.epoch, bench.lease.state, bench.lease.site],
    ['rolled-back', 1, 'held', 'east'],
  )
})

const failures: readonly [what: string, how: (bench: Bench) => void, why: RegExp][] = [
  [
    'its processes are in a crash loop',
    (bench) => {
      bench.answer(true)
      bench.standbys({ west: 'failed' }, true)
      bench.tick(1_000)
    },
    /do not start: shop is crash-loop: 11 ends within 9 s/,
  ],
  [
    'it is not well in time',
    (bench) => {
      bench.answer(true)
      bench.standbys({ west: 'starting' }, true)
      bench.tick(60_000)
    },
    /not well within 60 s/,
  ],
  ['its agent does not answer', (bench) => bench.tick(5_000), /its agent does not answer/],
  [
    'its agent refuses',
    (bench) => {
      bench.answer(false)
      bench.tick(5_000)
    },
    /its agent refuses/,
  ],
]
for (const [what, how, why] of failures) {
  test(`a start that fails, because ${what}: taken back, said, and tried again a minute later`, () => {
    const bench = cold()
    bench.verdicts({ east: 'down', west: 'down' })
    how(bench)
    assert.deepEqual(
      [bench.run.outcome, bench.lease.epoch, bench.lease.state],
      ['rolled-back', 1, 'held'],
      'nothing was taken from the old site',
    )
    const told = bench.effects.flatMap((effect) => (effect.kind === 'notify' ? [effect.what.message] : []))
    assert.equal(told.filter((message) => why.test(message)).length, 1, told.join('\n'))
    bench.tick(100)
    assert.equal(bench.state.explanation?.code, 'standby-failed')
    assert.equal(bench.run.attempt, 1)
    bench.tick(60_000)
    assert.deepEqual([bench.run.attempt, bench.run.outcome, bench.run.step], [2, null, 'starting'])
  })
}

test('a start that fails is followed by the next cold site, within the same move', () => {
  const bench = cold(three)
  bench.standbys({ west: 'cold', north: 'cold' })
  bench.verdicts({ east: 'down', west: 'down', north: 'down' })
  bench.tick(5_000)
  assert.deepEqual(bench.orders(), ['start west', 'start north'])
  const moves = bench.effects.flatMap((effect) => (effect.kind === 'audit' ? [effect.draft] : []))
  assert.deepEqual(moves.find(({ action }) => action === 'run.retargeted')?.detail['to'], 'north')
  bench.answer(true)
  bench.verdicts({ east: 'down', west: 'down', north: 'up' })
  assert.deepEqual([bench.lease.site, bench.lease.epoch], ['north', 2])
})

test('a leader that dies while a standby starts is followed by one that gives the same order, and ends the move once', () => {
  const bench = cold()
  bench.verdicts({ east: 'down', west: 'down' })
  const first = bench.effects.findLast((effect) => effect.kind === 'order')!.order
  const next = new Bench({}, bench.store)
  next.standbys({ west: 'warm' }, true)
  next.verdicts({ east: 'down', west: 'down' })
  next.feed({ kind: 'led', term: 2, until: Infinity })
  assert.deepEqual(next.effects.findLast((effect) => effect.kind === 'order')!.order, first)
  next.answer(true)
  next.verdicts({ east: 'down', west: 'up' })
  next.tick(3_000)
  next.renew('west')
  next.published()
  assert.deepEqual([next.run.outcome, next.run.id, next.lease.epoch], ['done', 'shop@1', 2])
  // The one before goes on with what it knew: the journal is another one by now.
  bench.verdicts({ east: 'down', west: 'up' })
  assert.deepEqual([next.lease.epoch, next.run.outcome], [2, 'done'])
})

test('minSites counts the site that is started, for nothing is taken from the owner before it is well', () => {
  const bench = cold({ minSites: 1 })
  bench.verdicts({ east: 'down', west: 'down' })
  assert.equal(bench.run.to, 'west')
  const strict = cold({ ...three, minSites: 2 })
  strict.verdicts({ east: 'down', west: 'down', north: 'down' })
  assert.equal(strict.state.explanation?.code, 'last-healthy-site')
})

test('no data may be lost: a cold site that is not known to have everything is no target', () => {
  const bench = cold({ lossless: true })
  bench.verdicts({ east: 'down', west: 'down' })
  assert.equal(bench.state.explanation?.code, 'target-lags')
})

test('a site whose processes were ready and are not is down, not cold', () => {
  const bench = cold()
  bench.standbys({ west: 'unwell' })
  bench.verdicts({ east: 'down', west: 'down' })
  assert.equal(bench.state.explanation?.code, 'no-target')
  assert.equal(chooseTarget(bench.state, 'east').refused['west'], 'not-up')
})

test('a person moves it to a cold site: started, then drained and handed over as planned', () => {
  const bench = cold()
  bench.wish({ to: 'west' })
  assert.deepEqual([bench.run.step, bench.lease.state], ['starting', 'held'])
  bench.answer(true)
  bench.standbys({ west: 'warm' }, true)
  bench.verdicts({ east: 'up', west: 'up' })
  assert.deepEqual([bench.lease.state, bench.orders().at(-1)], ['fenced', 'drain east'])
  const failed = cold()
  failed.wish({ to: 'west' })
  failed.tick(5_000)
  failed.tick(100)
  assert.deepEqual([failed.run.outcome, failed.lease.state], ['rolled-back', 'held'])
})

test('what a controller had started is stopped again once the work is home and has rested; what a person started is not', () => {
  const stops = (bench: Bench): string[] => bench.orders().filter((order) => order.startsWith('stop'))
  const bench = cold({ stopAfterMs: 20_000 })
  bench.verdicts({ east: 'up', west: 'up' })
  bench.standbys({ west: 'warm' }, true)
  assert.deepEqual(stops(bench), [])
  later(bench, 10_000)
  assert.deepEqual(stops(bench), ['stop west'])
  bench.tick(100)
  assert.deepEqual(stops(bench), ['stop west'])
  later(bench, 5_000)
  assert.deepEqual(stops(bench), ['stop west', 'stop west'], 'until the agent says that it is cold')
  bench.standbys({ west: 'cold' })
  later(bench, 60_000)
  assert.equal(stops(bench).length, 2)

  const others: readonly [Partial<UnitRules>, (bench: Bench) => void][] = [
    [{ stopAfterMs: Infinity }, () => undefined],
    [{ stopAfterMs: 20_000 }, (each) => each.verdicts({ east: 'suspect', west: 'up' })],
    [{ stopAfterMs: 20_000 }, (each) => each.standbys({ west: 'warm' })],
    [{ stopAfterMs: 20_000 }, (each) => each.standbys({ east: 'warm' }, true)],
  ]
  for (const [change, how] of others) {
    const kept = cold(change)
    kept.verdicts({ east: 'up', west: 'up' })
    how(kept)
    if (kept.state.standbys[0]?.state === 'cold') kept.standbys({ west: 'warm' }, true)
    later(kept, 60_000)
    assert.deepEqual(stops(kept), [])
  }
})

test('a drain and a move without a place count a site that can be started', () => {
  const bench = cold()
  const drain = { force: false, reason: '' }
  assert.deepEqual(planDrain('east', [bench.state], drain), {
    ok: true,
    moves: [{ unit: 'shop', to: 'west' }],
    lost: [],
  })
  const report = reportUnit(bench.state, { now: bench.now, wall: 0 })
  assert.equal(destinationOf(report, 'switchover'), 'west')
  assert.equal(rules.startMs, 60_000)
})
