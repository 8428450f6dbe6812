import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { parseRetryAfter } from './retry-after.ts'

const wall = Date.UTC(1994, 10, 6, 8, 49, 0)
const headers: [header: string | undefined, ms: number | null][] = [
  ['0', 0],
  ['37', 37_000],
  [' 2 ', 2_000],
  ['300', 300_000],
  ['301', 300_000],
  ['99999999999999999999999', 300_000],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
  ['Sun Nov  6 08:49:37 1994', 37_000],
  ['Sun, 06 Nov 1994 08:48:37 GMT', 0],
  ['Tue, 06 Nov 2029 08:49:37 GMT', 300_000],
  ['Sunday, 06-Nov-45 08:49:37 GMT', 0],
  ['Sun, 30 Feb 1994 08:49:37 GMT', null],
  ['Sun, 06 Nox 1994 08:49:37 GMT', null],
  ['Sun, 06 Nov 1994 24:49:37 GMT', null],
  ['1994-11-06T08:49:37Z', null],
  ['-1', null],
  ['1.5', null],
  ['0x10', null],
  ['', null],
  [undefined, null],
]
for (const [header, ms] of headers) {
  test(`Retry-After ${JSON.stringify(header)} -> ${ms}`, () =>
    assert.equal(parseRetryAfter(header, wall), ms))
}
