import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteVerdict } from '@budao/model'
import { Bench, running } from '../../test/unit-bench.ts'

/** The word of two observers on a site: well after an answer, well because nobody has asked yet, or down. */
function word(site: string, state: 'up' | 'down', silentMs: number | null): SiteVerdict {
  const votes = ['west', 'witness'].map((domain) => ({
    ...{ observer: domain, domain, state, use: 'counted' as const },
    ...{ causes: state === 'down' ? (['refused'] as const) : [], ageMs: 0, silentMs },
  }))
  return { service: 'shop', site, state, code: state === 'down' ? 'quorum' : 'agreed', votes }
}

/** A controller that begins to lead where nobody has ever written. */
function beginning(graceMs = 15_000): Bench {
  const bench = new Bench({ graceMs })
  bench.feed({ kind: 'led', term: 1, until: Infinity })
  return bench
}

/** A controller that begins to lead where east has written, long ago. */
function resumed(graceMs = 15_000): Bench {
  const bench = new Bench({ graceMs }, running().store)
  bench.feed({ kind: 'led', term: 2, until: Infinity })
  bench.positions(['west'])
  return bench
}

test('a unit that was never anywhere waits for the preferred site, which is being started, and not longer than the grace', () => {
  const bench = beginning()
  bench.feed({ kind: 'verdicts', verdicts: [word('east', 'down', null), word('west', 'up', 100)] })
  bench.tick(14_900)
  assert.deepEqual([bench.store.size, bench.state.explanation?.code], [0, 'owner-starting'])
  bench.feed({ kind: 'verdicts', verdicts: [word('east', 'up', 100), word('west', 'up', 100)] })
  assert.equal(bench.lease.site, 'east')

  const never = beginning()
  never.feed({ kind: 'verdicts', verdicts: [word('east', 'down', null), word('west', 'up', 100)] })
  never.tick(15_000)
  assert.equal(never.lease.site, 'west')
})

test('a site that was granted a unit before its gateway was there has the time to take it from then on', () => {
  const bench = beginning()
  bench.feed({ kind: 'verdicts', verdicts: [word('east', 'up', null), word('west', 'up', 100)] })
  assert.deepEqual([bench.lease.site, bench.lease.state], ['east', 'granted'])
  bench.positions(['west'])
  bench.tick(3_000)
  bench.positions(['east', 'west'])
  bench.tick(1_400)
  assert.equal(bench.lease.site, 'east')
  bench.tick(100)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

test('a preferred site that came, and of which observers are not sure yet, is waited for as well', () => {
  const unsure = beginning()
  const suspect: SiteVerdict = { ...word('east', 'up', 100), state: 'suspect', code: 'no-quorum' }
  unsure.feed({ kind: 'verdicts', verdicts: [suspect, word('west', 'up', 100)] })
  unsure.tick(14_900)
  assert.equal(unsure.store.size, 0)
  unsure.tick(100)
  assert.equal(unsure.lease.site, 'west')
})

for (const [what, change] of [
  ['the grace is 0s', { graceMs: 0 }],
  ['it is drained', { drained: ['east'] }],
  ['it is cold on purpose', { cold: true }],
] as const)
  test(`nobody waits for the preferred site where ${what}`, () => {
    const bench = beginning('graceMs' in change ? 0 : 15_000)
    if ('drained' in change) bench.feed({ kind: 'drained', sites: ['east'] })
    if ('cold' in change) bench.standbys({ east: 'cold' })
    bench.feed({ kind: 'verdicts', verdicts: [word('east', 'down', null), word('west', 'up', 100)] })
    assert.equal(bench.lease.site, 'west')
  })

test('after everything was off the owner may take longer to start than the one that watches it', () => {
  const bench = resumed()
  bench.feed({ kind: 'verdicts', verdicts: [word('east', 'down', null), word('west', 'up', 100)] })
  bench.tick(14_900)
  assert.deepEqual([bench.lease.state, bench.state.explanation?.code], ['held', 'owner-starting'])
  bench.tick(100)
  assert.deepEqual([bench.lease.epoch, bench.lease.site], [2, 'west'])
})

test('an owner that came, or renewed, and went is given up at once: it was not just starting', () => {
  for (const came of ['answered', 'renewed'] as const) {
    const bench = resumed()
    bench.feed({ kind: 'verdicts', verdicts: [word('east', 'down', null), word('west', 'up', 100)] })
    if (came === 'renewed') bench.renew('east')
    else {
      bench.positions(['east', 'west'])
      bench.feed({ kind: 'verdicts', verdicts: [word('east', 'up', 100), word('west', 'up', 100)] })
    }
    bench.feed({ kind: 'verdicts', verdicts: [word('east', 'down', 400), word('west', 'up', 100)] })
    assert.equal(bench.lease.state, 'fenced', came)
  }
})

test('that watches have only just begun, and a backend without its gateway, say nothing good of a site', () => {
  const bench = resumed()
  bench.feed({ kind: 'verdicts', verdicts: [word('east', 'up', null), word('west', 'up', 100)] })
  bench.feed({ kind: 'verdicts', verdicts: [word('east', 'up', 100), word('west', 'up', 100)] })
  assert.deepEqual(bench.state.seenWell, ['west'])
  bench.feed({ kind: 'verdicts', verdicts: [word('east', 'down', 400), word('west', 'up', 100)] })
  assert.deepEqual([bench.lease.state, bench.state.explanation?.code], ['held', 'owner-starting'])
})
