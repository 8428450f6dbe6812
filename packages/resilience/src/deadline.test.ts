import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { attemptDeadline } from './deadline.ts'

test('an attempt ends with its own time or with the request’s, whichever is first', () => {
  assert.equal(attemptDeadline(3_000, 1_000, 500), 1_500)
  assert.equal(attemptDeadline(3_000, 1_000, 2_500), 3_000)
  assert.equal(attemptDeadline(Infinity, Infinity, 0), Infinity)
})
