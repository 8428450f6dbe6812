import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { chooseFallback } from './fallback.ts'
import type { FallbackAvailable, FallbackChoice, FallbackPolicy } from './fallback.ts'

const all: FallbackPolicy = { service: 'static', json: { degraded: true } }
const table: [policy: FallbackPolicy, available: FallbackAvailable, choice: FallbackChoice][] = [
  [all, { kept: true, service: true }, 'stale'],
  [all, { kept: false, service: true }, 'service'],
  [all, { kept: false, service: false }, 'json'],
  [{ json: null }, { kept: false, service: true }, 'json'],
  [{ service: 'static' }, { kept: false, service: false }, 'none'],
  [{}, { kept: true, service: false }, 'stale'],
  [{}, { kept: false, service: true }, 'none'],
]
for (const [policy, available, choice] of table) {
  test(`${JSON.stringify(policy)} with ${JSON.stringify(available)} -> ${choice}`, () => {
    assert.equal(chooseFallback(policy, available), choice)
  })
}
