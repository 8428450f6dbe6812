import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config-parser.ts'
import { parseSnapshot } from './snapshot-parser.ts'
import { createSnapshot } from './snapshot.ts'
import { smallestWith } from './written-config.test.ts'

test('acme and hsts of a listener: defaults, and the same again out of a snapshot', () => {
  const tls =
    '{ acme: { directory: "https://ca.example/dir", hosts: [a.example], agreeToTerms: true }, hsts: {} }'
  const listener = `- { name: tls, address: "0.0.0.0:8443", protocol: https, tls: ${tls} }`
  const result = parseConfig(smallestWith(['listeners:', `listeners:\n  ${listener}`]), 'f')
  assert.ok(result.ok, JSON.stringify(result))
  assert.deepEqual(result.config.listeners[0]!.tls, {
    certificates: [],
    acme: {
      directory: 'https://ca.example/dir',
      hosts: ['a.example'],
      renewBefore: 30 * 86_400,
      agreeToTerms: true,
    },
    minVersion: 'TLSv1.2',
    hsts: { maxAge: 180 * 86_400, includeSubDomains: false, preload: false },
  })
  const snapshot = createSnapshot(result.config, 'f', 0, 0)
  assert.deepEqual(parseSnapshot(JSON.parse(JSON.stringify(snapshot))).config, result.config)
})
