import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { attemptDeadline, fairTryMs, remainingMs } from './deadline.ts'

test('an attempt ends with its own time or with the request’s, whichever is first', () => {
  assert.equal(attemptDeadline(3_000, 1_000, 500), 1_500)
  assert.equal(attemptDeadline(3_000, 1_000, 2_500), 3_000)
  assert.equal(attemptDeadline(Infinity, Infinity, 0), Infinity)
})

test('what is left is never negative', () => {
  assert.equal(remainingMs(100, 40), 60)
  assert.equal(remainingMs(100, 140), 0)
})

test('attempts share what is left evenly and the last takes the rest', () => {
  assert.equal(fairTryMs(3_000, 0, 2), 1_500)
  assert.equal(fairTryMs(3_000, 1_500, 1), 1_500)
  assert.equal(fairTryMs(3_000, 0, 2, 1_000), 1_000)
  assert.equal(fairTryMs(3_000, 2_500, 1, 1_000), 500)
  assert.equal(fairTryMs(3_000, 4_000, 2), 0)
})
