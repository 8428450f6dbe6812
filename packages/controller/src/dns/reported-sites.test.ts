import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointReport, GatewayReport } from '@budao/model'
import { twoSites } from '../../test/memory-source.ts'
import { ReportedSites, siteStatesOf } from './reported-sites.ts'

const base = twoSites().services[0]!.endpoints[0]!
const at = (site: string, ...states: readonly (EndpointReport['state'] | Partial<EndpointReport>)[]) =>
  states.map((state, index) => ({
    ...base,
    site,
    address: `${site}:${index}`,
    ...(typeof state === 'string' ? { state } : { state: 'usable' as const, ...state }),
  }))
const report = (...endpoints: readonly EndpointReport[]): GatewayReport => {
  const all = twoSites()
  return { ...all, services: [{ ...all.services[0]!, name: 'shop', endpoints }] }
}

const cases: readonly [
  what: string,
  endpoints: EndpointReport[],
  state: string,
  usable: string,
  suspect: boolean,
][] = [
  ['all usable', at('east', 'usable', 'usable'), 'serving', '2/2', false],
  ['a part of it', at('east', 'usable', 'ejected', 'unhealthy', 'open'), 'degraded', '1/4', true],
  ['nothing usable', at('east', 'unhealthy', 'open'), 'down', '0/2', false],
  ['one drained, the other serves', at('east', 'draining', 'usable'), 'serving', '1/1', false],
  ['one drained, the other is down', at('east', 'draining', 'unhealthy'), 'down', '0/1', false],
  ['all drained', at('east', 'draining', 'draining'), 'draining', '0/2', false],
  ['a first failed check', at('east', { lastCheckError: 'timeout' }), 'serving', '1/1', true],
  [
    'a trial under way',
    at('east', { breaker: { ...base.breaker, state: 'half-open' } }),
    'serving',
    '1/1',
    true,
  ],
  [
    'what nobody would miss does not count',
    at('east', { state: 'unhealthy', release: 'canary', carries: false }, 'usable'),
    'serving',
    '1/1',
    false,
  ],
  [
    'nor does it keep a site up',
    at('east', { release: 'canary', carries: false }, 'unhealthy'),
    'down',
    '0/1',
    false,
  ],
  [
    'what has no weight does not count',
    at('east', { state: 'unhealthy', weight: 0 }, 'usable'),
    'serving',
    '1/1',
    false,
  ],
]

for (const [what, endpoints, state, usable, suspect] of cases) {
  test(`${what}: ${state}`, () => {
    const seen = siteStatesOf(report(...endpoints)).get('shop east')!
    assert.deepEqual([seen.state, `${seen.usable}/${seen.total}`, seen.suspect], [state, usable, suspect])
  })
}

test('a site without endpoints of a service is unknown; many events are one look', async (t) => {
  let looks = 0
  const sites = new ReportedSites(() => {
    looks++
    return report(...at('east', 'usable'))
  })
  t.after(() => sites.close())
  assert.equal(sites.of('shop', 'west').state, 'unknown')
  assert.equal(sites.of('cart', 'east').state, 'unknown')
  const told = new Promise<void>((resolve) => sites.subscribe(resolve))
  for (let event = 0; event < 1_000; event++) sites.changed()
  await told
  assert.equal(looks, 2)
})
