import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownEnds } from './known-ends.ts'

test('a partition that is away ends where it was last known to', async () => {
  let away = false
  const ends = [3, 5]
  const known = new KnownEnds({
    partitions: 2,
    bounds: async (partition) => {
      if (away && partition === 1) throw new Error('away')
      return { logId: 'log', first: 0, end: ends[partition]! }
    },
  })
  assert.deepEqual(await known.ask(), [3, 5])
  away = true
  ends[0] = 4
  assert.deepEqual(await known.ask(), [4, 5])
})

test('one that does not answer is not waited for, and what it says late counts the next time', async () => {
  const { promise, resolve } = Promise.withResolvers<{ logId: string; first: number; end: number }>()
  const known = new KnownEnds({ partitions: 1, bounds: () => promise })
  assert.deepEqual(await known.ask(), [0])
  resolve({ logId: 'log', first: 0, end: 7 })
  assert.deepEqual(await known.ask(), [7])
})
