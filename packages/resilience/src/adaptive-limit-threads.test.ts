import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { AdaptiveLimit } from './adaptive-limit.ts'
import { SharedCells } from './cells.ts'
import { SeededRandom } from './seeded-random.ts'
import { inThreads } from './test-threads.test.ts'

test('four threads that observe at once learn one limit, and each window is ended by one of them', async (t) => {
  const shared = new Int32Array(new SharedArrayBuffer(4 * (1 + AdaptiveLimit.cellsFor())))
  const options = { min: 4, max: 500 }
  await inThreads(
    t,
    4,
    shared,
    options,
    `
    const { AdaptiveLimit } = await load('adaptive-limit.ts')
    const { SeededRandom } = await load('seeded-random.ts')
    const limit = new AdaptiveLimit(cells, new SeededRandom(1), given)
    for (let round = 0; round < 50; round++) {
      together(round)
      // Five windows without a queue, in all threads at the same times.
      for (let i = 0; i < 200; i++) limit.observe(10, limit.limit, round * 500 + i * 2.5)
    }`,
  )
  const limit = new AdaptiveLimit(new SharedCells(shared, 1), new SeededRandom(1), options)
  // A window ended twice would have grown it twice: 100 grows to its maximum in about 25 windows, and never beyond.
  assert.equal(limit.limit, 500)
  assert.ok(Math.abs(limit.baseMs - 10) < 1, String(limit.baseMs))
})
