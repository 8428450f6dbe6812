import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '@budao/resilience'
import { isTraceparent, RequestIdentity } from './request-identity.ts'

test('request ids of a thread never repeat and share its 16 random digits', () => {
  const identity = new RequestIdentity(new SeededRandom(1))
  const ids = Array.from({ length: 5_000 }, () => identity.requestId())
  assert.equal(new Set(ids).size, ids.length)
  const [prefix] = ids[0]!.split('-')
  for (const id of ids) assert.match(id, new RegExp(`^${prefix}-[0-9a-z]+$`))
  assert.match(prefix!, /^[0-9a-f]{16}$/)
  const other = new RequestIdentity(new SeededRandom(2))
  assert.notEqual(other.requestId().split('-')[0], prefix)
})

test('traceparents are valid, and the random halves of trace and span differ from one to the next', () => {
  const identity = new RequestIdentity(new SeededRandom(1))
  const seen = new Set<string>()
  // More than two batches of digits.
  for (let i = 0; i < 300; i++) {
    const traceparent = identity.traceparent()
    assert.ok(isTraceparent(traceparent), traceparent)
    const [, trace, span] = traceparent.split('-')
    seen.add(trace!.slice(16)).add(span!)
  }
  assert.equal(seen.size, 600)
})
