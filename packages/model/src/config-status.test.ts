import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusMatcher } from './config-status.ts'

test('codes and ranges match, ends included', () => {
  const matches = statusMatcher(['200-299', '404'])
  assert.deepEqual([199, 200, 299, 300, 403, 404, 405].map(matches), [
    false,
    true,
    true,
    false,
    false,
    true,
    false,
  ])
})

test('nothing matches an empty list', () => assert.equal(statusMatcher([])(200), false))
