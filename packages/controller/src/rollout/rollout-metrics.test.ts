import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { rolloutMetrics } from './rollout-metrics.ts'

test('docs/reference/metrics.md has a row for every family of rollouts with its type, and no others', () => {
  const written = [...rolloutMetrics([], () => 0).matchAll(/^# TYPE (\w+) (\w+)$/gm)]
  const page = readFileSync(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `(budao_rollout_\w+)` \| (\w+) \|/gm)]
  const texts = (found: readonly RegExpExecArray[]): string[] =>
    found.map(([, name, type]) => `${name} ${type}`).toSorted()
  assert.ok(written.length > 0)
  assert.deepEqual(texts(documented), texts(written))
})
