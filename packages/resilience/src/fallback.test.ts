import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { chooseFallback } from './fallback.ts'
import type { FallbackAvailable, FallbackChoice, FallbackPolicy } from './fallback.ts'

const all: FallbackPolicy = { stale: 1_000, service: 'static', json: { degraded: true } }
const table: [policy: FallbackPolicy, available: FallbackAvailable, choice: FallbackChoice][] = [
  [all, { staleAgeMs: 1_000, service: true }, 'stale'],
  [all, { staleAgeMs: 1_001, service: true }, 'service'],
  [all, { staleAgeMs: null, service: true }, 'service'],
  [all, { staleAgeMs: null, service: false }, 'json'],
  [{ json: null }, { staleAgeMs: 1, service: true }, 'json'],
  [{ stale: 1_000 }, { staleAgeMs: null, service: true }, 'none'],
  [{}, { staleAgeMs: 0, service: true }, 'none'],
]
for (const [policy, available, choice] of table) {
  test(`${JSON.stringify(policy)} with ${JSON.stringify(available)} -> ${choice}`, () => {
    assert.equal(chooseFallback(policy, available), choice)
  })
}
