import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { GslbPolicy, ServingState } from '@budao/model'
import { allSites } from '@budao/resilience'
import { FollowedName } from './followed-name.ts'
import { source, TestSites } from './test-gslb.test.ts'

const names = ['east', 'west', 'north']
const shared = { names, addresses: names.map((name) => [`${name} address`]), weights: [1, 2, 0] }
const states: readonly ServingState[] = ['serving', 'degraded', 'draining', 'down', 'unknown']
const policies: readonly GslbPolicy[] = ['failover', 'nearest', 'weighted', 'all-active']
const { ttl, ...api } = source().gslb.zones['shop.example']!.names['api']!

const steps = fc.array(
  fc.record({
    site: fc.constantFrom(...names),
    state: fc.constantFrom(...states),
    suspect: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: 40_000 }),
    key: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  { maxLength: 30 },
)

test('whatever the sites do: an answer is never empty, never worse than it need be, and kept within the bounds', () => {
  fc.assert(
    fc.property(fc.constantFrom(...policies), steps, (policy, story) => {
      const sites = new TestSites()
      const name = new FollowedName('api.shop.example', { ...api, ttl, policy }, shared)
      let now = 0
      name.observe(sites, now)
      for (const { site, state, suspect, waitMs, key } of story) {
        now += waitMs
        sites.set(site, state, { suspect })
        name.observe(sites, now)
        const chosen = name.choose({ nearness: [0, 1, 0], key })
        const answered = chosen === allSites ? name.candidates : [chosen]
        assert.ok(answered.length > 0 && name.addresses(chosen).length > 0)
        assert.ok(answered.every((each) => name.candidates.includes(each)))
        const seconds = name.ttlSeconds(now)
        assert.ok(seconds >= 5 && seconds <= 30, String(seconds))
        const seen = names.map((each) => sites.of('shop', each).state)
        const works = (each: number): boolean => seen[each] === 'serving' || seen[each] === 'degraded'
        if (names.some((_, each) => works(each))) assert.ok(answered.every(works), seen.join())
        else if (seen.some((each) => each === 'unknown' || each === 'draining'))
          assert.ok(
            answered.every((each) => seen[each] !== 'down'),
            seen.join(),
          )
        else assert.equal(name.by, 'last-good')
      }
    }),
  )
})

test('the last good sites stay those that were good, however long nothing is up', () => {
  const sites = new TestSites()
  const name = new FollowedName('api.shop.example', { ...api, ttl, policy: 'all-active' }, shared)
  name.observe(sites, 0)
  sites.set('north', 'down')
  name.observe(sites, 1)
  for (const site of ['east', 'west']) sites.set(site, 'down')
  name.observe(sites, 2)
  name.observe(sites, 1e9)
  assert.deepEqual(name.candidates, [0, 1])
  assert.equal(name.ttlSeconds(1e9), 5)
})

test('one site after the other dies: the last one to go is the one that stays', () => {
  const sites = new TestSites()
  const name = new FollowedName('api.shop.example', { ...api, ttl }, shared)
  const events = [name.observe(sites, 0)]
  for (const [index, site] of names.entries()) {
    sites.set(site, 'down')
    events.push(name.observe(sites, index + 1))
  }
  assert.deepEqual(name.candidates, [2])
  assert.deepEqual(
    events.map((event) => event?.kind),
    [undefined, 'gslb.changed', 'gslb.changed', 'gslb.last-good'],
  )
})

test('a slow site is drawn with the part of its weight that it keeps', () => {
  const sites = new TestSites()
  const name = new FollowedName('api.shop.example', { ...api, ttl, policy: 'weighted' }, shared)
  const share = (): number => {
    const drawn = Array.from({ length: 2_000 }, (_, key) =>
      name.choose({ nearness: [0, 0, 0], key: key * 2_147_483 }),
    )
    return drawn.filter((site) => site === 1).length / drawn.length
  }
  name.observe(sites, 0)
  assert.ok(Math.abs(share() - 2 / 3) < 0.05)
  sites.set(names[1]!, 'degraded', { usable: 2, keptPercent: 10 })
  name.observe(sites, 1_000)
  assert.ok(Math.abs(share() - 0.2 / 1.2) < 0.05, String(share()))
})
