import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renewalAt, retryAfter } from './renewal-time.ts'

const DAY = 86_400_000

test('a certificate is renewed in time, in its last third at the earliest, and not by all at once', () => {
  const quarter = { validFrom: 0, expiresAt: 90 * DAY }
  assert.equal(renewalAt(quarter, 30 * DAY, 0), 60 * DAY)
  assert.equal(renewalAt(quarter, 30 * DAY, 1), 63 * DAY)
  assert.equal(renewalAt(quarter, 10 * DAY, 0), 80 * DAY)
  assert.equal(renewalAt({ validFrom: 0, expiresAt: 6 * DAY }, 30 * DAY, 0), 4 * DAY)
})

test('failures are waited out longer each time, up to a limit', () => {
  const waits = [1, 2, 3, 4, 40, 4_000].map((failures) => retryAfter(failures, 5, 30, 0))
  assert.deepEqual(waits, [5, 10, 20, 30, 30, 30])
  assert.equal(retryAfter(1, 100, 1_000, 1), 75)
})
