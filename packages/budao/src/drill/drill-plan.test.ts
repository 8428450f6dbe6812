import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@budao/model/parser'
import type { Config } from '@budao/model'
import { drillOptions } from './drill-plan.ts'
import type { DrillPlan } from './drill-plan.ts'
import { scenarios } from './scenarios.ts'

const plan: DrillPlan = {
  scenario: scenarios['site-loss'],
  site: 'east',
  path: '/api/products?page=1',
  rate: 10,
  durationMs: 2,
  faultAfterMs: 1,
  faultMs: 1,
  slowMs: 500,
  returnWithinMs: 0,
  by: 'ann',
}

test('the gateway is the first listener that speaks HTTP, the pid file lies beside the configuration', () => {
  const { url, targets, host, timeoutMs, folder } = drillOptions(plan, config({}), '/etc/budao/budao.yaml')
  assert.equal(url.href, 'http://127.0.0.1:8080/api/products?page=1')
  assert.equal(targets.pidFile, '/etc/budao/run/east.pids')
  assert.equal(folder, '/etc/budao/data/drills')
  assert.equal(host, undefined)
  assert.equal(timeoutMs, 10_000)
})

test('--via names another gateway', () => {
  const via = new URL('https://10.0.0.1:8443')
  assert.equal(
    drillOptions({ ...plan, via }, config({}), '/').url.href,
    'https://10.0.0.1:8443/api/products?page=1',
  )
})

test('the drill waits longer than the gateway does', () => {
  assert.equal(drillOptions(plan, config({ request: '30s' }), '/').timeoutMs, 32_000)
})

test('a route for one host is asked for by that host', () => {
  assert.equal(drillOptions(plan, config({ host: 'shop.example' }), '/').host, 'shop.example')
  assert.equal(drillOptions(plan, config({ host: '*.shop.example' }), '/').host, 'drill.shop.example')
  assert.equal(
    drillOptions({ ...plan, path: '/other' }, config({ host: 'shop.example' }), '/').host,
    undefined,
  )
})

test('a site that is not configured is refused as wrong usage; one without a pid file has none', () => {
  assert.throws(
    () => drillOptions({ ...plan, site: 'north' }, config({}), '/'),
    /expected one of east, west, got north/,
  )
  assert.equal(drillOptions({ ...plan, site: 'west' }, config({}), '/').targets.pidFile, undefined)
})

test('the objectives are those of the service that is asked; five seconds stand in for none', () => {
  const objectives = (more: string) => drillOptions(plan, config({ more }), '/').objectives
  assert.deepEqual(objectives(''), { rtoMs: 5_000, rpoMs: null, configured: false })
  assert.deepEqual(objectives('objectives: { rto: 3s, rpo: 0s }'), {
    rtoMs: 3_000,
    rpoMs: 0,
    configured: true,
  })
})

function config({ host = '*', request = '3s', more = '' }): Config {
  const parsed = parseConfig(
    `version: 1
node: { name: gw, site: east }
sites: { east: { pidFile: run/east.pids }, west: {} }
listeners:
  - { name: db, address: 0.0.0.0:3306, protocol: tcp, service: shop }
  - { name: web, address: 0.0.0.0:8080, protocol: http }
services:
  shop:
    endpoints: [{ address: 127.0.0.1:7001, site: east }]
    timeouts: { request: ${request} }
    ${more}
routes:
  - name: shop-api
    hosts: ["${host}"]
    match: [{ path: { prefix: /api/ } }]
    backends: [{ service: shop }]
`,
    'budao.yaml',
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config
}
