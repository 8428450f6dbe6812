import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareStamps, formatHlc, hlcMs, hlcZero, nextHlc, parseHlc, seenHlc } from './hlc.ts'

const wall = fc.integer({ min: 0, max: 2 ** 47 })
const counter = fc.integer({ min: 0, max: 0xffff })

test('stamps sort as their texts do', () => {
  fc.assert(
    fc.property(wall, counter, wall, counter, (a, b, c, d) => {
      const byText = formatHlc(a, b) < formatHlc(c, d)
      assert.equal(byText, a < c || (a === c && b < d))
      assert.deepEqual(parseHlc(formatHlc(a, b)), { wallMs: a, counter: b })
    }),
  )
})

test('a clock only goes forward, also when the wall clock goes back', () => {
  fc.assert(
    fc.property(fc.array(wall, { minLength: 2 }), (walls) => {
      let last = hlcZero
      for (const now of walls) {
        const next = nextHlc(last, now)
        assert.ok(next > last && hlcMs(next) >= now)
        last = next
      }
    }),
  )
})

test('a full counter goes on in the next millisecond', () => {
  assert.equal(nextHlc(formatHlc(5, 0xffff), 5), formatHlc(6, 0))
})

test('what follows from a stamp is later than it; a stamp ten minutes ahead moves no clock', () => {
  const now = 1_000_000
  const near = formatHlc(now + 500, 3)
  assert.ok(nextHlc(seenHlc(hlcZero, near, now)!, now) > near)
  assert.equal(seenHlc(hlcZero, formatHlc(now + 501, 0), now), null)
  assert.equal(seenHlc(formatHlc(now, 9), formatHlc(now - 1000, 0), now), formatHlc(now, 9))
})

test('equal stamps are decided by the site, the same way for both', () => {
  const a = { hlc: hlcZero, origin: 'east' }
  const b = { hlc: hlcZero, origin: 'west' }
  assert.equal(compareStamps(a, b), -compareStamps(b, a))
  assert.equal(compareStamps(a, a), 0)
})
