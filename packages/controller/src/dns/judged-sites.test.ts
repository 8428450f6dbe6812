import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteVerdict } from '@budao/model'
import { JudgedSites } from './judged-sites.ts'
import { TestSites } from './test-gslb.test.ts'

type Seen = 'serving' | 'degraded' | 'down' | 'draining'

const cases: readonly [seen: Seen, judged: SiteVerdict['state'], state: string, suspect: boolean][] = [
  ['serving', 'down', 'down', false],
  ['degraded', 'down', 'down', false],
  ['down', 'up', 'serving', true],
  ['serving', 'up', 'serving', false],
  ['serving', 'degraded', 'degraded', true],
  ['down', 'degraded', 'down', false],
  ['serving', 'suspect', 'serving', true],
  ['down', 'advise', 'down', true],
  ['serving', 'unknown', 'serving', false],
  ['draining', 'up', 'draining', false],
]

for (const [seen, judged, state, suspect] of cases) {
  test(`what this gateway sees as ${seen} and the quorum judges ${judged} is ${state}`, () => {
    const base = new TestSites()
    base.set('east', seen)
    const sites = new JudgedSites(base, () => 0)
    let told = 0
    const stop = sites.subscribe(() => told++)
    sites.judge([{ service: 'shop', site: 'east', state: judged, code: 'agreed', votes: [] }])
    const at = sites.of('shop', 'east')
    assert.deepEqual([at.state, at.suspect], [state, suspect])
    assert.equal(told, 1)
    base.set('west', 'down')
    assert.equal(told, 2)
    stop()
    base.set('west', 'serving')
    assert.equal(told, 2)
  })
}

test('a slow site keeps a part of its weight, as long as verdicts are renewed', () => {
  const base = new TestSites()
  let now = 0
  const sites = new JudgedSites(base, () => now)
  const slow: SiteVerdict = { service: 'shop', site: 'east', state: 'degraded', code: 'slow', votes: [] }
  sites.judge([slow], [{ service: 'shop', site: 'east', keptPercent: 10 }])
  assert.equal(sites.of('shop', 'east').keptPercent, 10)
  assert.equal(sites.of('shop', 'west').keptPercent, undefined)
  now = 5_001
  assert.equal(sites.of('shop', 'east').keptPercent, undefined)
})

test('verdicts that nobody renews count no more', () => {
  const base = new TestSites()
  let now = 0
  const sites = new JudgedSites(base, () => now)
  sites.judge([{ service: 'shop', site: 'east', state: 'down', code: 'quorum', votes: [] }])
  now = 5_000
  assert.equal(sites.of('shop', 'east').state, 'down')
  now = 5_001
  assert.equal(sites.of('shop', 'east').state, 'serving')
})
