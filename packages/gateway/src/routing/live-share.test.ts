import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalCells } from '@budao/resilience'
import { LiveShare } from './live-share.ts'

test('a share holds until its time, and a new one at once', () => {
  const share = new LiveShare(new LocalCells(LiveShare.cellsFor()))
  assert.equal(share.at(0), 0)
  share.set(500, 10_000)
  assert.deepEqual([share.at(0), share.at(9_999), share.at(10_000), share.at(1e9)], [500, 500, 0, 0])
  share.set(2_000, 20_000)
  assert.equal(share.at(10_000), 2_000)
  share.set(0, 30_000)
  assert.equal(share.at(10_000), 0)
  share.set(10_000, Infinity)
  assert.deepEqual([share.at(0), share.at(1e9)], [10_000, 10_000])
  share.set(100, 2 ** 31 + 5_000)
  assert.deepEqual([share.at(2 ** 31 - 1), share.at(2 ** 31 + 6_000)], [100, 0], 'a clock that goes round')
})
