import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slownessOptions } from '@budao/resilience'
import { ServicePace, type SeenPace, type ToldPace } from './service-pace.ts'
import type { SiteWatch } from './site-watch.ts'

const everyMs = 2_000

/** An observer of `domain` that looks at two sites: what its own process and the others saw. */
class Observed {
  now = 0
  seen: SeenPace[] = []
  told: Record<string, ToldPace[]> = {}
  readonly roundTripMs: Record<string, number> = { east: 0, west: 0 }
  readonly state: Record<string, string> = { east: 'up', west: 'up' }
  readonly pace: ServicePace

  constructor(domain: string) {
    const watches = ['east', 'west'].map((site) => {
      const watch = {
        service: 'shop',
        site,
        takeRoundTripMs: () => this.roundTripMs[site]!,
        paceMs: () => Promise.resolve(null),
      }
      return Object.defineProperty(watch, 'state', { get: () => this.state[site] }) as unknown as SiteWatch
    })
    const world = {
      domain,
      paces: () => this.seen,
      told: (_: string, site: string) => this.told[site] ?? [],
    }
    this.pace = new ServicePace('shop', watches, slownessOptions, world, 0)
  }

  run(seconds: number, abstains = false): string {
    for (const end = this.now + seconds * 1_000; this.now < end;) {
      this.now += everyMs
      this.pace.step(this.now, abstains)
    }
    return ['east', 'west'].filter((site) => this.pace.slow(site) !== null).join(' ')
  }
}

const of = (domain: string, ms: number, requests = 100): ToldPace => ({ domain, traffic: { requests, ms } })

test('who serves nobody goes by what gateways say, a site’s own before others', () => {
  const third = new Observed('third')
  third.told = { east: [of('east', 100), of('west', 900, 10_000)], west: [of('west', 100)] }
  assert.equal(third.run(60), '')
  third.told = { east: [of('east', 1_000), of('west', 100, 10_000)], west: [of('west', 100)] }
  assert.equal(third.run(20), 'east')
  assert.deepEqual(third.pace.slow('east'), { by: 'traffic', ms: 1_000, usualMs: 100 })
})

test('what the network to a site takes is left out, and told without it', () => {
  const west = new Observed('west')
  west.seen = [
    { site: 'east', requests: 30, ms: 130 },
    { site: 'west', requests: 30, ms: 80 },
  ]
  west.roundTripMs['east'] = 50
  west.run(60)
  assert.deepEqual(west.pace.traffic('east'), { requests: 30, ms: 80 })
  // The network becomes slow, and with it every answer from there.
  west.roundTripMs['east'] = 850
  west.seen = [
    { site: 'east', requests: 30, ms: 930 },
    { site: 'west', requests: 30, ms: 80 },
  ]
  assert.equal(west.run(60), '')
})

test('a site that is in doubt is no measure, nor is an observer that is not well', () => {
  const third = new Observed('third')
  third.told = { east: [of('east', 100)], west: [of('west', 100)] }
  third.run(60)
  third.told = { east: [of('east', 1_000)], west: [of('west', 100)] }
  third.state['west'] = 'suspect'
  assert.equal(third.run(60), '')
  third.state['west'] = 'up'
  assert.equal(third.run(60, true), '')
  assert.equal(third.run(20), 'east')
})
