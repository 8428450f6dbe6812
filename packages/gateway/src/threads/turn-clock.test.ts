import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnClock } from './turn-clock.ts'

test('the time stands still until the next turn', () => {
  let now = 5
  const clock = new TurnClock({ now: () => now })
  assert.equal(clock.now(), 5)
  now = 8
  assert.equal(clock.now(), 5)
  assert.equal(clock.turn(), 8)
  assert.equal(clock.now(), 8)
})
