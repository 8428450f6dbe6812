import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { noDirectives, parseCacheControl, type CacheDirectives } from './cache-control.ts'

const table: [value: string | undefined, says: Partial<CacheDirectives>][] = [
  [undefined, {}],
  ['', {}],
  ['max-age=10', { maxAge: 10 }],
  ['Max-Age = "10" , PUBLIC', { maxAge: 10, public: true }],
  ['max-age=10, max-age=5', { maxAge: 5 }],
  ['max-age=-1', { maxAge: 0 }],
  ['max-age=1.5', { maxAge: 0 }],
  ['max-age', { maxAge: 0 }],
  ['max-age=99999999999999', { maxAge: 2_147_483_648 }],
  ['private="set-cookie, x", s-maxage=1', { private: true, sMaxAge: 1 }],
  ['no-cache="a, max-age=9"', { noCache: true }],
  ['extension="no-store, \\"private"', {}],
  ['extension=no-storex,no-store', { noStore: true }],
  ['max-stale', { maxStale: Infinity }],
  ['max-stale=5, min-fresh=6, only-if-cached', { maxStale: 5, minFresh: 6, onlyIfCached: true }],
  ['stale-while-revalidate=1, stale-if-error=2', { staleWhileRevalidate: 1, staleIfError: 2 }],
  ['must-revalidate,proxy-revalidate', { mustRevalidate: true, proxyRevalidate: true }],
  ['no-store="', { noStore: true }],
]
for (const [value, says] of table) {
  test(`Cache-Control: ${value}`, () => {
    assert.deepEqual(parseCacheControl(value), { ...noDirectives, ...says })
  })
}
