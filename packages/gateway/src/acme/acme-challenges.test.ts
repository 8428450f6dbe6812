import assert from 'node:assert/strict'
import { test } from 'node:test'
import { challengeReply } from './acme-challenges.ts'

const challenges = new Map([['token-1', 'token-1.thumbprint']])
const path = '/.well-known/acme-challenge/token-1'

test('only GET and HEAD of a token under way, over plain HTTP, are answered', () => {
  const asked = { scheme: 'http', method: 'GET', path }
  const reply = challengeReply(challenges, asked)
  assert.equal(reply?.status, 200)
  assert.equal(reply.body, 'token-1.thumbprint')
  assert.notEqual(challengeReply(challenges, { ...asked, method: 'HEAD' }), null)
  for (const other of [
    { method: 'POST' },
    { scheme: 'https' },
    { path: `${path}/` },
    { path: '/.well-known/acme-challenge/' },
    { path: '/.well-known/acme-challenge/token-2' },
    { path: '/token-1' },
  ])
    assert.equal(challengeReply(challenges, { ...asked, ...other }), null, JSON.stringify(other))
})
