import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { errorReply } from './reply.ts'

test('the body is JSON with a code, a sentence and further members', () => {
  const reply = errorReply(429, 'rate_limited', 'Too "many".', [['Retry-After', '2']], { retryAfter: 2 })
  assert.deepEqual(reply, {
    status: 429,
    headers: [
      ['Content-Type', 'application/json'],
      ['Cache-Control', 'no-store'],
      ['Retry-After', '2'],
    ],
    body: '{"error":"rate_limited","message":"Too \\"many\\".","retryAfter":2}',
  })
})

test('no text breaks the body', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (code, message) => {
      assert.deepEqual(JSON.parse(errorReply(500, code, message).body), { error: code, message })
    }),
  )
})
