import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RouteConfig } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { LocalCells } from '@budao/resilience'
import { tempDir } from '@budao/testkit'
import { exportJWK, generateKeyPair } from 'jose'
import { type Store, StoreAway } from '../stores/store.ts'
import { createFilter, filterCells } from './create.ts'
import type { Filter } from './filter.ts'
import { testEnv, testRecord, TestRequest, TestResponse } from './test-exchange.test.ts'

const guide = readFileSync(new URL('../../../../docs/reference/filters.md', import.meta.url), 'utf8')
const examples = (language: string): string[] =>
  Array.from(guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms')), ([, code = '']) => code)

/** What a gateway has when it starts before its store. */
const awayStore: Store = {
  here: false,
  passedBy: () => {},
  limiter: () => ({ take: () => Promise.reject(new StoreAway('not there')) }),
  answers: () => assert.fail('no filter keeps answers'),
  writeKeys: () => assert.fail('no filter of the chain keeps keys'),
  close: () => {},
}

/** A configuration with that text as its `routes`, or as filters of its only route. */
function routesOf(yaml: string): readonly RouteConfig[] {
  const routes = /^routes:/m.test(yaml)
    ? yaml
    : `routes:\n  - name: shop\n    backends: [{ service: shop }]\n    filters:\n${yaml.replace(/^/gm, '      ')}`
  const head = `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
listeners: [{ name: web, address: "127.0.0.1:0", protocol: http }]
services: { shop: { endpoints: [{ address: "127.0.0.1:7001", site: east }] } }
`
  const parsed = parseConfig(`${head}${routes}`, 'filters.md')
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config.routes
}

test('every filter of the guide can be made, and passes a request on', async (t) => {
  const dir = tempDir(t)
  const { publicKey } = await generateKeyPair('ES256')
  writeFileSync(join(dir, 'keys.json'), JSON.stringify({ keys: [await exportJWK(publicKey)] }))
  const [module = ''] = examples('ts')
  writeFileSync(join(dir, 'opening-hours.ts'), module)

  const made: Filter[] = []
  for (const yaml of examples('yaml')) {
    for (const config of routesOf(yaml).flatMap((route) => route.filters)) {
      // Keys of writes are no step of the chain.
      if ('idempotency' in config) continue
      const env = testEnv(dir, {
        cells: new LocalCells(filterCells(config)),
        store: () => Promise.resolve(awayStore),
      })
      const filter = await createFilter(config, env)
      t.after(() => filter.close?.())
      made.push(filter)
      assert.equal(filterCells(config) > 0, 'rateLimit' in config || 'fault' in config)
      const reply = await filter.onRequest?.(new TestRequest())
      assert.equal(reply?.status, filter.name === 'jwt' ? 401 : undefined)
      filter.onResponse?.(new TestRequest(), new TestResponse())
      filter.onEnd?.(new TestRequest(), testRecord())
    }
  }
  const names = made.map(({ name }) => name)
  assert.deepEqual(names, [
    ...['accessLog', 'cors', 'jwt', 'rateLimit', 'headers'],
    ...['jwt', 'jwt', 'rateLimit', 'headers', 'fault', 'fault', 'opening-hours'],
  ])
})

test('the module of the guide closes at night', async (t) => {
  const dir = tempDir(t)
  writeFileSync(join(dir, 'opening-hours.ts'), examples('ts')[0] ?? '')
  const config = { module: { path: 'opening-hours.ts', options: { closedFrom: 22, closedTo: 6 } } }
  const statusAt = async (hour: number): Promise<number | undefined> => {
    const filter = await createFilter(config, testEnv(dir, { wallNow: () => Date.UTC(2026, 10, 5, hour) }))
    return (await filter.onRequest?.(new TestRequest()))?.status
  }
  assert.equal(await statusAt(12), undefined)
  assert.equal(await statusAt(23), 503)
})
