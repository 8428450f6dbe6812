import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SitePosition, SiteVerdict } from '@budao/model'
import { grantedLease, renewedLease } from '@budao/model'
import { failoverConfig } from '../../test/failover-config.ts'
import { unitRules } from '../failover/unit-rules.ts'
import { unknownUnit, type UnitState } from '../failover/unit-state.ts'
import { Returns } from './returns.ts'

const rules = unitRules('shop', 'shop', ['east', 'west'], { ...failoverConfig, failback: 'automatic' })
const held = renewedLease(grantedLease('shop', 'west', null, rules), 'west', 'gw-west#1')!
const atWest: UnitState = { ...unknownUnit(rules), lease: { version: 1, value: held }, run: null, movedAt: 0 }

const verdicts = (east: SiteVerdict['state']): SiteVerdict[] =>
  Object.entries({ east, west: 'up' as const }).map(([site, state]) => ({
    service: 'shop',
    site,
    state,
    code: 'agreed',
    votes: [],
  }))
const positions = (lagMs: number | null): SitePosition[] =>
  ['east', 'west'].map((site) => ({
    service: 'shop',
    site,
    position: 9,
    epoch: 1,
    lagMs,
    divergence: 0,
    capacityPercent: 100,
  }))

test('a site comes back by stages, and gets its work without a person only where that is the policy and nothing moves', () => {
  const returns = new Returns()
  const stage = (now: number): string | undefined => returns.of('shop', now)[0]?.stage
  const look = (now: number, east: SiteVerdict['state'], lagMs: number | null): string | undefined => {
    returns.step(atWest, { verdicts: verdicts(east), positions: positions(lagMs) }, now)
    return stage(now)
  }
  assert.equal(look(0, 'down', null), 'fenced')
  assert.equal(look(100_000, 'up', null), 'catching-up')
  assert.equal(look(101_000, 'up', 5_000), 'catching-up')
  assert.equal(look(102_000, 'up', 200), 'shadow')
  assert.equal(look(131_000, 'up', 200), 'shadow')
  assert.equal(returns.due(atWest, 131_000), null)
  assert.equal(look(132_000, 'up', 200), 'ready')
  assert.deepEqual(returns.of('shop', 133_000), [{ site: 'east', stage: 'ready', sinceMs: 1_000 }])

  assert.equal(returns.due({ ...atWest, movedAt: 100_000 }, 133_000), null, 'it has just moved')
  assert.equal(returns.due({ ...atWest, automation: 'advise' }, 133_000), null)
  assert.equal(returns.due({ ...atWest, drained: ['east'] }, 133_000), null)
  assert.equal(returns.due({ ...atWest, rules: { ...rules, failback: 'manual' } }, 133_000), null)
  assert.equal(returns.due({ ...atWest, rules: { ...rules, sites: ['west', 'east'] } }, 133_000), null)

  assert.equal(returns.due(atWest, 133_000), 'east')
  assert.equal(returns.due(atWest, 133_100), null, 'it has been said')

  assert.equal(look(200_000, 'down', 200), 'fenced')
  assert.equal(returns.due(atWest, 200_000), null)
})
