import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash32, mix32 } from './hash.ts'

test('hashes of similar texts are unsigned, different and spread over all bits', () => {
  const hashes = Array.from({ length: 20_000 }, (_, n) => hash32(`10.0.${n >> 8}.${n & 255}:8080`))
  assert.ok(hashes.every((hash) => Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32))
  // 20 000 of 2^32 values: the expected number of collisions is 0.05.
  assert.ok(new Set(hashes).size >= 19_998)
  for (let bit = 0; bit < 32; bit++) {
    const ones = hashes.filter((hash) => (hash >>> bit) & 1).length
    assert.ok(Math.abs(ones / 20_000 - 0.5) < 0.02, `bit ${bit}: ${ones}`)
  }
})

test('one changed letter changes about half of the bits', () => {
  let flipped = 0
  for (let n = 0; n < 1_000; n++) {
    let differing = hash32(`key-${n}-a`) ^ hash32(`key-${n}-b`)
    for (; differing !== 0; differing &= differing - 1) flipped++
  }
  assert.ok(Math.abs(flipped / 1_000 - 16) < 1, String(flipped))
})

test('seeds give unrelated hashes, and mixing keeps numbers apart', () => {
  assert.notEqual(hash32('a', 1), hash32('a', 2))
  assert.equal(new Set(Array.from({ length: 10_000 }, (_, n) => mix32(n))).size, 10_000)
})

test('hashes never change: stored placements depend on them', () => {
  assert.deepEqual([hash32(''), hash32('budao'), hash32('不倒')], [0, 1_718_623_062, 2_392_967_686])
})
