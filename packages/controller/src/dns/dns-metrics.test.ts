import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const textOf = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

test('docs/reference/metrics.md has a row for every family of DNS with its type, and no others', () => {
  const written = [...textOf('dns-metrics.ts').matchAll(/ family\(\s*'(\w+)',\s*'(\w+)'/g)].map(
    ([, name, type]) => `budao_dns_${name} ${type}`,
  )
  const rows = textOf('../../../../docs/reference/metrics.md').matchAll(/^\| `(budao_dns_\w+)` \| (\w+) \|/gm)
  const documented = [...rows].map(([, name, type]) => `${name} ${type}`)
  assert.ok(written.length > 0)
  assert.deepEqual(documented.toSorted(), written.toSorted())
})
