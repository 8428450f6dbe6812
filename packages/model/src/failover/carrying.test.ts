import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../parser.ts'
import { carryingEndpoints, carryingReleases } from './carrying.ts'

function carried(releases: Record<string, number> | null, whole: readonly string[]): readonly string[] {
  const at = (address: string, site: string, release: string): object => ({ address, site, release })
  const split = releases === null ? {} : { split: { by: ['ip'], releases } }
  const rollouts = releases === null ? {} : { next: { route: 'shop', release: 'canary' } }
  const read = parseConfig(
    JSON.stringify({
      version: 1,
      node: { name: 'gw', site: 'east' },
      sites: { east: {}, west: {}, north: {} },
      listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
      services: {
        shop: {
          endpoints: [
            at('e:1', 'east', 'stable'),
            at('e:2', 'east', 'canary'),
            at('w:1', 'west', 'stable'),
            at('w:2', 'west', 'blue'),
            at('n:1', 'north', 'canary'),
          ],
        },
      },
      routes: [{ name: 'shop', backends: [{ service: 'shop' }], ...split }],
      rollouts,
    }),
    'test.json',
  )
  assert.ok(read.ok, JSON.stringify(read))
  const { config } = read
  const { endpoints } = config.services['shop']!
  const found = carryingReleases(config, new Set(whole)).get('shop')
  return carryingEndpoints(endpoints, found).map(({ address }) => address)
}

for (const [what, releases, whole, addresses] of [
  ['nothing splits: all are alike', null, [], 'e:1 e:2 w:1 w:2 n:1'],
  [
    'a canary with a share carries no site but one where it stands alone',
    { canary: 5_000 },
    [],
    'e:1 w:1 n:1',
  ],
  ['a release with all users by the file', { blue: 10_000 }, [], 'e:1 w:1 w:2 n:1'],
  ['a release with all users by its rollout', {}, ['next'], 'e:1 e:2 w:1 n:1'],
  ['a rollout of another route', {}, ['other'], 'e:1 w:1 n:1'],
] as const)
  test(what, () => assert.equal(carried(releases, whole).join(' '), addresses))
