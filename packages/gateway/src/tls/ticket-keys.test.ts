import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TICKET_PERIOD_MS, ticketKeys, ticketKeysEnd } from './ticket-keys.ts'

test('all threads have the same key of 48 bytes in a period, and another one in the next', () => {
  const at = 5 * TICKET_PERIOD_MS
  const keys = ticketKeys('secret', 'web', at)
  assert.equal(keys.length, 48)
  assert.deepEqual(ticketKeys('secret', 'web', at + TICKET_PERIOD_MS - 1), keys)
  assert.notDeepEqual(ticketKeys('secret', 'web', at + TICKET_PERIOD_MS), keys)
  assert.equal(ticketKeysEnd(at), at + TICKET_PERIOD_MS)
  assert.equal(ticketKeysEnd(at + 1), at + TICKET_PERIOD_MS)
})

test('another listener and another process have other keys', () => {
  const keys = ticketKeys('secret', 'web', 0)
  assert.notDeepEqual(ticketKeys('secret', 'api', 0), keys)
  assert.notDeepEqual(ticketKeys('another', 'web', 0), keys)
})
