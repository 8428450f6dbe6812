import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@budao/model/parser'
import { redactSecrets } from './redact.ts'

test('no token and no password of a configuration is shown', () => {
  const secrets = ['viewer-token-1', 'operator-token-2', 'store-pass-3', 'vrrp-p-4']
  const parsed = parseConfig(
    `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
admin: { tokens: { viewer: ${secrets[0]}, operator: ${secrets[1]} } }
listeners: [{ name: web, address: 0.0.0.0:8080, protocol: http }]
stores: { shared: { redis: { url: 'redis://user:${secrets[2]}@127.0.0.1:6379' } } }
routes: [{ name: all, respond: { status: 204 } }]
virtualIp:
  keepalived:
    { interface: eth0, addresses: [10.0.0.9/24], routerId: 1, nodes: { gw-1: {}, gw-2: {} }, version: 2, password: ${secrets[3]} }
`,
    'budao.yaml',
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  const shown = JSON.stringify(redactSecrets(parsed.config))
  assert.deepEqual(
    secrets.filter((secret) => shown.includes(secret)),
    [],
  )
  assert.equal(shown.match(/\(hidden\)/g)?.length, secrets.length)
})
