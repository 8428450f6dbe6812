import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LocalCells, SharedCells } from './cells.ts'
import { RateLimiter } from './rate-limiter.ts'
import type { RateLimitOptions } from './rate-limiter.ts'
import { inThreads } from './test-threads.test.ts'

function limiter(options: RateLimitOptions): RateLimiter {
  return new RateLimiter(new LocalCells(RateLimiter.cellsFor(options)), options)
}

test('a burst, then the rate, and the wait it names is the one that works', () => {
  const it = limiter({ requests: 10, perMs: 1_000 })
  for (let i = 0; i < 10; i++) assert.equal(it.take('a', 5_000), 0)
  const wait = it.take('a', 5_000)
  assert.ok(Math.abs(wait - 100) < 0.01, String(wait))
  assert.ok(it.take('a', 5_099.9) > 0)
  assert.equal(it.take('a', 5_100.01), 0)
  assert.equal(it.take('b', 5_000), 0)
})

const rates: [requests: number, perMs: number, burst: number][] = [
  [1, 3_600_000, 1],
  [1, 3_600_000, 50],
  [7, 86_400_000, 7],
  [10_000, 1_000, 10_000],
  [10_000, 1_000, 1],
  [1_000_000, 1_000, 1_000],
]
for (const [requests, perMs, burst] of rates) {
  test(`${requests} per ${perMs} ms, ${burst} at once: exact over ten refills`, () => {
    const it = limiter({ requests, perMs, burst })
    const origin = 123_456_789
    const gap = perMs / requests
    for (let i = 0; i < burst; i++) assert.equal(it.take('k', origin), 0, `request ${i}`)
    for (let i = 1; i <= 10; i++) {
      assert.ok(it.take('k', origin + (i - 0.01) * gap) > 0, `too early ${i}`)
      assert.equal(it.take('k', origin + (i + 0.01) * gap), 0, `due ${i}`)
    }
  })
}

test('a key that rested has its burst again after any pause, and so has a newcomer in its place', () => {
  for (const requests of [1, 1_000, 100_000]) {
    for (let exponent = 0; exponent < 36; exponent += 0.25) {
      const it = limiter({ requests, perMs: 1_000, burst: 2, keysMax: 4 })
      const start = 1_000_000.5
      for (let i = 0; i < 2; i++) for (const key of ['a', 'b', 'c', 'd']) it.take(key, start)
      const later = start + 2_000 + 2 ** exponent
      for (const key of ['a', 'e']) {
        assert.equal(it.take(key, later), 0, `${key} after ${later - start} ms`)
        assert.equal(it.take(key, later), 0, `${key} again after ${later - start} ms`)
      }
    }
  }
})

test('more keys than places: the one nearest to its full burst is forgotten, and nobody inherits', () => {
  const it = limiter({ requests: 1, perMs: 1_000, burst: 5, keysMax: 4 })
  for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) for (let n = 0; n <= i; n++) it.take(key, 0)
  for (let i = 0; i < 5; i++) assert.equal(it.take('newcomer', 0), 0)
  assert.ok(it.take('newcomer', 0) > 0)
  for (const left of [4, 3, 2, 1].toReversed().slice(0, 3).entries()) {
    const key = ['d', 'c', 'b'][left[0]]!
    for (let n = 0; n < left[1]; n++) assert.equal(it.take(key, 0), 0, key)
    assert.ok(it.take(key, 0) > 0, key)
  }
})

test('a cost takes several at once, and one above the burst never passes', () => {
  const it = limiter({ requests: 10, perMs: 1_000 })
  assert.equal(it.take('a', 0, 11), Infinity)
  assert.equal(it.take('a', 0, 8), 0)
  assert.ok(Math.abs(it.take('a', 0, 3) - 100) < 0.01)
  assert.equal(it.take('a', 0, 2), 0)
})

test('over no span are more admitted than the burst and the rate allow, nor a request refused that they do', () => {
  const schedule = fc.array(fc.oneof(fc.nat(5), fc.nat(400), fc.nat(20_000)), {
    minLength: 5,
    maxLength: 120,
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom(10, 1_000, 60_000),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(2 ** 33),
      schedule,
      (requests, perMs, burst, origin, gaps) => {
        const it = limiter({ requests, perMs, burst })
        const admitted: number[] = []
        let credit = burst
        let now = origin
        for (const gap of gaps) {
          now += gap
          credit = Math.min(burst, credit + (gap * requests) / perMs)
          const wait = it.take('k', now)
          if (wait === 0) {
            credit -= 1
            admitted.push(now)
          } else {
            assert.ok(credit < 1 + 1e-4, `refused with ${credit} to spend`)
          }
          assert.ok(credit > -1e-4, `admitted with ${credit + 1} to spend`)
        }
        for (const [i, from] of admitted.entries()) {
          for (const [j, to] of admitted.entries()) {
            if (j < i) continue
            assert.ok(j - i + 1 <= burst + ((to - from) * requests) / perMs + 1e-4)
          }
        }
      },
    ),
  )
})

test('threads share each key’s limit', async (t) => {
  const keys = 2_000
  const options: RateLimitOptions = { requests: 5, perMs: 3_600_000, keysMax: 65_536 }
  const shared = new Int32Array(new SharedArrayBuffer((1 + RateLimiter.cellsFor(options)) * 4))
  const tallies = await inThreads<number[]>(
    t,
    4,
    shared,
    { options, keys },
    `
    const { RateLimiter } = await load('rate-limiter.ts')
    const limiter = new RateLimiter(cells, given.options)
    const admitted = new Array(given.keys).fill(0)
    together(0)
    for (let key = 0; key < given.keys; key++) {
      for (let i = 0; i < 3; i++) if (limiter.take('k' + key, 1000) === 0) admitted[key]++
    }
    return admitted`,
  )
  for (let key = 0; key < keys; key++) {
    assert.equal(
      tallies.reduce((sum, tally) => sum + tally[key]!, 0),
      5,
      `key ${key}`,
    )
  }
  assert.ok(new RateLimiter(new SharedCells(shared, 1), options).take('k0', 1_000) > 0)
})

test('what it says is left is what is admitted, and looking takes nothing', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(400)), { maxLength: 40 })
  fc.assert(
    fc.property(steps, (asked) => {
      const it = limiter({ requests: 10, perMs: 1_000, burst: 5 })
      let now = 1_000
      for (const [key, passed] of asked) {
        now += passed
        const left = it.left(key, now)
        assert.equal(it.left(key, now), left)
        assert.equal(it.take(key, now) === 0, left > 0)
        if (left > 0) assert.equal(it.left(key, now), left - 1)
      }
    }),
  )
})

test('options out of range are refused by name', () => {
  assert.throws(() => limiter({ requests: 0, perMs: 1 }), /requests/)
  assert.throws(() => limiter({ requests: 1, perMs: 1, burst: 2 ** 27 }), /burst/)
  assert.throws(() => RateLimiter.cellsFor({ requests: 1, perMs: 1, keysMax: 0 }), /keysMax/)
})
