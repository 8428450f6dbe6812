import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnClock } from './turn-clock.ts'

test('no time passes while the clock is held, and all of it before and after', () => {
  let now = 5
  const clock = new TurnClock({ now: () => now })
  assert.equal(clock.now(), 5)
  now = 8
  assert.equal(clock.now(), 8)
  clock.hold()
  now = 13
  assert.equal(clock.now(), 8)
  clock.hold()
  assert.equal(clock.now(), 13)
  now = 21
  clock.release()
  assert.equal(clock.now(), 21)
})
