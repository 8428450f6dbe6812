import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bestStanding, nextStanding, type SiteSight, type SiteStandingAt } from './site-standing.ts'

const rules = { returnAfterMs: 30_000, minUsablePercent: 50 }
const serving: SiteSight = { state: 'serving', usable: 4, total: 4 }
const half: SiteSight = { state: 'degraded', usable: 2, total: 4 }
const quarter: SiteSight = { state: 'degraded', usable: 1, total: 4 }
const down: SiteSight = { state: 'down', usable: 0, total: 4 }
const drained: SiteSight = { state: 'draining', usable: 0, total: 4 }
const unknown: SiteSight = { state: 'unknown', usable: 0, total: 0 }

/** What is seen at which second, and the standing then. */
type Story = readonly (readonly [second: number, seen: SiteSight, standing: string])[]

const stories: Readonly<Record<string, Story>> = {
  'what serves from the start is in': [[0, serving, 'in']],
  'bad news counts at once': [
    [0, serving, 'in'],
    [1, down, 'down'],
  ],
  'what comes back waits': [
    [0, down, 'down'],
    [1, serving, 'returning'],
    [30, serving, 'returning'],
    [31, serving, 'in'],
  ],
  'a relapse begins the wait anew': [
    [0, down, 'down'],
    [1, serving, 'returning'],
    [20, down, 'down'],
    [21, serving, 'returning'],
    [50, serving, 'returning'],
    [51, serving, 'in'],
  ],
  'half of a site is enough, a quarter is weak': [
    [0, half, 'in'],
    [1, quarter, 'weak'],
    [2, half, 'returning'],
    [32, half, 'in'],
  ],
  'what a person puts back does not wait': [
    [0, serving, 'in'],
    [1, drained, 'draining'],
    [2, serving, 'in'],
  ],
  'what nobody has seen is in when it is seen': [
    [0, unknown, 'unknown'],
    [1, serving, 'in'],
  ],
}

for (const [name, story] of Object.entries(stories)) {
  test(name, () => {
    let at: SiteStandingAt | undefined
    const told = story.map(([second, seen]) => {
      at = nextStanding(at, seen, second * 1_000, rules)
      return at.standing
    })
    assert.deepEqual(
      told,
      story.map(([, , standing]) => standing),
    )
  })
}

test('a site that goes up and down every second is never back', () => {
  let at: SiteStandingAt | undefined
  for (let second = 0; second < 120; second++) {
    at = nextStanding(at, second % 2 === 0 ? down : serving, second * 1_000, rules)
    assert.notEqual(at.standing, 'in')
  }
})

test('without returnAfter it is in at once', () => {
  const at = nextStanding({ standing: 'down', since: 0 }, serving, 1, { ...rules, returnAfterMs: 0 })
  assert.equal(at.standing, 'in')
})

test('since is the moment of the change, and a standing that stays keeps it', () => {
  const sights = fc.constantFrom(serving, half, quarter, down, drained, unknown)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), sights)), (steps) => {
      let now = 0
      let at: SiteStandingAt | undefined
      for (const [wait, seen] of steps) {
        now += wait
        const next = nextStanding(at, seen, now, rules)
        assert.equal(next.since, next.standing === at?.standing ? at.since : now)
        at = next
      }
    }),
  )
})

test('the best standing is the first of the order', () => {
  const at = (standing: SiteStandingAt['standing']): SiteStandingAt => ({ standing, since: 0 })
  assert.equal(bestStanding([at('down'), at('returning'), at('weak')]), 'returning')
  assert.equal(bestStanding([at('down'), at('draining')]), 'draining')
  assert.equal(bestStanding([]), 'down')
})
