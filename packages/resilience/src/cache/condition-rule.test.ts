import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { byteRange, isNotModified, rangeStands, type ByteRange, type Condition } from './condition-rule.ts'

const now = Date.UTC(2026, 0, 2)
const modified = 'Thu, 01 Jan 2026 00:00:00 GMT'

const conditions: [condition: Condition, etag: string | undefined, holds: boolean][] = [
  [{}, '"1"', false],
  [{ ifNoneMatch: '"1"' }, '"1"', true],
  [{ ifNoneMatch: '"0", W/"1" , "2"' }, '"1"', true],
  [{ ifNoneMatch: '"1"' }, 'W/"1"', true],
  [{ ifNoneMatch: '"a,b"' }, '"a,b"', true],
  [{ ifNoneMatch: '"2"' }, '"1"', false],
  [{ ifNoneMatch: '*' }, undefined, true],
  [{ ifNoneMatch: '"1"' }, undefined, false],
  [{ ifModifiedSince: modified }, undefined, true],
  [{ ifModifiedSince: 'Wed, 31 Dec 2025 23:59:59 GMT' }, undefined, false],
  [{ ifModifiedSince: 'yesterday' }, undefined, false],
  [{ ifNoneMatch: '"2"', ifModifiedSince: modified }, '"1"', false],
]
for (const [condition, etag, holds] of conditions) {
  test(`${JSON.stringify(condition)} with ${etag ?? 'no'} ETag: ${holds ? 304 : 200}`, () => {
    assert.equal(isNotModified(condition, { etag, lastModified: modified }, now), holds)
  })
}

test('without a date of change nothing is unchanged since', () => {
  assert.equal(isNotModified({ ifModifiedSince: modified }, {}, now), false)
})

const ranges: [range: string, found: ByteRange][] = [
  ['bytes=0-4', { start: 0, end: 5 }],
  ['bytes=5-', { start: 5, end: 10 }],
  ['bytes=-3', { start: 7, end: 10 }],
  ['bytes=-30', { start: 0, end: 10 }],
  ['bytes=8-100', { start: 8, end: 10 }],
  ['bytes=10-', 'none'],
  ['bytes=-0', 'none'],
  ['bytes=5-4', 'whole'],
  ['bytes=0-1,3-4', 'whole'],
  ['bytes=-', 'whole'],
  ['lines=0-4', 'whole'],
]
for (const [range, found] of ranges) {
  test(`${range} of 10 bytes`, () => assert.deepEqual(byteRange(range, 10), found))
}

test('a part continues only what is surely the same', () => {
  assert.equal(rangeStands(undefined, {}), true)
  assert.equal(rangeStands('"1"', { etag: '"1"' }), true)
  assert.equal(rangeStands('W/"1"', { etag: 'W/"1"' }), false)
  assert.equal(rangeStands(modified, { lastModified: modified }), true)
  assert.equal(rangeStands(modified, {}), false)
})
