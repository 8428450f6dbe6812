import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LocalCells, SharedCells } from './cells.ts'
import { CountWindow, TimeWindow } from './rolling-window.ts'
import { inThreads } from './test-threads.test.ts'

test('a time window holds the buckets not older than it, whatever the gaps between results', () => {
  const results = fc.array(
    fc.record({
      gap: fc.oneof(fc.nat(50), fc.nat(2_000), fc.nat(50_000_000)),
      failure: fc.boolean(),
      slow: fc.boolean(),
    }),
    { maxLength: 80 },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(2 ** 31), results, (buckets, origin, all) => {
      const window = new TimeWindow(new LocalCells(TimeWindow.cellsFor(buckets)), 0, buckets * 100, buckets)
      const seen: { bucket: number; failure: boolean; slow: boolean }[] = []
      let now = origin
      for (const { gap, failure, slow } of all) {
        now += gap
        window.record(3, failure, slow, now)
        seen.push({ bucket: Math.floor(now / 100), failure, slow })
        window.sum(3, now)
        const inside = seen.filter(({ bucket }) => bucket > Math.floor(now / 100) - buckets)
        assert.equal(window.calls, inside.length)
        assert.equal(window.failures, inside.filter((one) => one.failure).length)
        assert.equal(window.slow, inside.filter((one) => one.slow).length)
        assert.equal(window.isQuiet(3), window.failures === 0 && window.slow === 0)
        assert.equal(window.isQuiet(4), false)
        window.sum(4, now)
        assert.equal(window.calls, 0)
      }
    }),
  )
})

test('a window is quiet only until another thread counts a failure in it', () => {
  const cells = new LocalCells(TimeWindow.cellsFor(2))
  const [here, there] = [new TimeWindow(cells, 0, 1_000, 2), new TimeWindow(cells, 0, 1_000, 2)]
  assert.equal(here.isQuiet(1), false, 'nobody has looked yet')
  there.record(1, true, false, 100)
  there.record(1, false, false, 1_100)
  here.sum(1, 1_100)
  assert.equal(here.isQuiet(1), true, 'the failure has left the window')
  there.record(1, false, true, 1_200)
  assert.equal(here.isQuiet(1), false)
  there.record(1, true, false, 1_200)
  assert.equal(here.isQuiet(1), false)
})

test('a thread that died while it opened a bucket costs that bucket its results, and the next one nothing', () => {
  const cells = new LocalCells(TimeWindow.cellsFor(2))
  const window = new TimeWindow(cells, 0, 1_000, 2)
  window.record(1, true, false, 100)
  // The claim without its end: the bucket's stamp, not yet ready.
  cells.store(3, cells.load(3) & ~1)
  window.record(1, true, false, 200)
  window.sum(1, 200)
  assert.equal(window.calls, 0)
  window.record(1, true, false, 600)
  window.record(1, true, false, 1_100)
  window.sum(1, 1_100)
  assert.equal(window.calls, 2)
})

test('a thread whose clock reading is a lap old does not take the place of a newer bucket', () => {
  const window = new TimeWindow(new LocalCells(TimeWindow.cellsFor(2)), 0, 1_000, 2)
  window.record(1, true, false, 1_100)
  window.record(1, false, false, 100)
  window.sum(1, 1_200)
  assert.deepEqual([window.calls, window.failures], [2, 1])
})

test('a count window holds the last results of its generation', () => {
  const window = new CountWindow(new LocalCells(CountWindow.cellsFor(3)), 0, 3)
  for (const failure of [true, true, false, false]) window.record(1, failure, !failure)
  window.sum(1)
  assert.deepEqual([window.calls, window.failures, window.slow], [3, 1, 2])
  window.record(2, true, false)
  window.sum(2)
  assert.deepEqual([window.calls, window.failures, window.slow], [1, 1, 0])
})

test('threads that record into the same buckets lose none of their results', async (t) => {
  const threads = 4
  const each = 20_000
  const shared = new Int32Array(new SharedArrayBuffer((1 + TimeWindow.cellsFor(50)) * 4))
  await inThreads(
    t,
    threads,
    shared,
    { each },
    `
    const { TimeWindow } = await load('rolling-window.ts')
    const window = new TimeWindow(cells, 0, 50000, 50)
    together(0)
    for (let i = 0; i < given.each; i++) window.record(5, i % 4 === 0, false, 1000 + (i * 40000) / given.each)`,
  )
  const window = new TimeWindow(new SharedCells(shared, 1), 0, 50_000, 50)
  window.sum(5, 41_000)
  assert.deepEqual([window.calls, window.failures], [threads * each, (threads * each) / 4])
})
