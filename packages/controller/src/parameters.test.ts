import assert from 'node:assert/strict'
import { test } from 'node:test'
import { breakerBody, eventQuery, noQuery } from './parameters.ts'

test('what is not given stays away, so that the feed decides', () => assert.deepEqual(eventQuery({}), {}))

test('events are asked for by position, number and kind', () => {
  assert.deepEqual(eventQuery({ after: '7', limit: '2000', kind: 'breaker.opened' }), {
    after: 7,
    limit: 2000,
    kind: 'breaker.opened',
  })
})

test('a resuming reader’s Last-Event-ID wins over the address it began with', () => {
  assert.deepEqual(eventQuery({ after: '1' }, '9'), { after: 9 })
  assert.deepEqual(eventQuery({ after: '1' }, ''), { after: 1 })
})

for (const query of [
  { after: '-1' },
  { after: '1.5' },
  { after: '99999999999999999' },
  { after: '' },
  { after: ['1', '2'] },
  { limit: '0' },
  { limit: '2001' },
  { limit: 'all' },
  { kind: 'breaker' },
  { kind: ['breaker.opened', 'breaker.closed'] },
  { since: '1' },
]) {
  test(`${JSON.stringify(query)} is refused`, () => {
    assert.throws(() => eventQuery(query), { name: 'ApiError', code: 'bad-parameter' })
  })
}

test('parameters nobody reads are refused, not ignored', () => {
  assert.throws(() => noQuery({ verbose: '1' }), { code: 'bad-parameter', message: /"verbose".*none/ })
})

test('a breaker change carries its reason, trimmed', () => {
  assert.deepEqual(breakerBody({ to: 'open', reason: ' maintenance ' }), {
    to: 'open',
    reason: 'maintenance',
  })
  assert.deepEqual(breakerBody({ to: 'auto', reason: 'done', endpoint: 'a:1' }), {
    to: 'auto',
    reason: 'done',
    endpoint: 'a:1',
  })
})

for (const body of [
  undefined,
  null,
  [],
  'open',
  {},
  { to: 'open' },
  { to: 'half-open', reason: 'x' },
  { to: 'open', reason: '' },
  { to: 'open', reason: '   ' },
  { to: 'open', reason: 'x'.repeat(501) },
  { to: 'open', reason: 1 },
  { to: 'open', reason: 'x', endpoint: 1 },
  { to: 'open', reason: 'x', endpiont: 'a:1' },
]) {
  test(`the body ${JSON.stringify(body)?.slice(0, 60)} is refused`, () => {
    assert.throws(() => breakerBody(body), { name: 'ApiError', code: 'bad-parameter' })
  })
}
