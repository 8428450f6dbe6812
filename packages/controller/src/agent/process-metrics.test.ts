import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { processMetrics } from './process-metrics.ts'

test('docs/reference/metrics.md has a row for every family of processes with its type, and no others', () => {
  const docs = readFileSync(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const documented = [...docs.matchAll(/^\| `(budao_process_\w+)` \| (\w+) \|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  )
  const written = [...processMetrics([]).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  )
  assert.deepEqual(documented, written)
})
