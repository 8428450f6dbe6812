import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@budao/model/parser'
import type { Config } from '@budao/model'
import { siteLossOptions } from './drill-plan.ts'
import type { DrillPlan } from './drill-plan.ts'

const plan: DrillPlan = {
  site: 'east',
  path: '/api/products?page=1',
  rate: 10,
  durationMs: 2,
  killAfterMs: 1,
  slowMs: 500,
  returnWithinMs: 0,
}

test('the gateway is the first listener that speaks HTTP, the pid file lies beside the configuration', () => {
  const { url, pidFile, host, timeoutMs } = siteLossOptions(plan, config({}), '/etc/budao')
  assert.equal(url.href, 'http://127.0.0.1:8080/api/products?page=1')
  assert.equal(pidFile, '/etc/budao/run/east.pids')
  assert.equal(host, undefined)
  assert.equal(timeoutMs, 10_000)
})

test('--via names another gateway', () => {
  const via = new URL('https://10.0.0.1:8443')
  assert.equal(
    siteLossOptions({ ...plan, via }, config({}), '/').url.href,
    'https://10.0.0.1:8443/api/products?page=1',
  )
})

test('the drill waits longer than the gateway does', () => {
  assert.equal(siteLossOptions(plan, config({ request: '30s' }), '/').timeoutMs, 32_000)
})

test('a route for one host is asked for by that host', () => {
  assert.equal(siteLossOptions(plan, config({ host: 'shop.example' }), '/').host, 'shop.example')
  assert.equal(siteLossOptions(plan, config({ host: '*.shop.example' }), '/').host, 'drill.shop.example')
  assert.equal(
    siteLossOptions({ ...plan, path: '/other' }, config({ host: 'shop.example' }), '/').host,
    undefined,
  )
})

test('a site that is not configured, or has no pid file, is refused as wrong usage', () => {
  assert.throws(
    () => siteLossOptions({ ...plan, site: 'north' }, config({}), '/'),
    /expected one of east, west, got north/,
  )
  assert.throws(
    () => siteLossOptions({ ...plan, site: 'west' }, config({}), '/'),
    /sites\.west\.pidFile is not configured/,
  )
})

function config({ host = '*', request = '3s' }): Config {
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
