import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

const keys = ['window', 'buckets', 'sleepWindow', 'rateLimit', 'jwt']
const table: [word: string, meant: string | undefined][] = [
  ['windw', 'window'],
  ['widnow', 'window'],
  ['sleepwindow', 'sleepWindow'],
  ['rate_limit', 'rateLimit'],
  ['jtw', 'jwt'],
  ['timeout', undefined],
  ['', undefined],
]
for (const [word, meant] of table) {
  test(`${JSON.stringify(word)} is ${meant ?? 'none of them'}`, () =>
    assert.equal(nearest(word, keys), meant))
}
