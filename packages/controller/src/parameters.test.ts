import assert from 'node:assert/strict'
import { test } from 'node:test'
import { breakerBody, drillBody, eventQuery, noQuery } from './parameters.ts'

test('what is not given stays away, so that the feed decides', () => assert.deepEqual(eventQuery({}), {}))

test('events are asked for by position, number and kind', () => {
  assert.deepEqual(eventQuery({ after: '7', limit: '2000', kind: 'breaker.opened' }), {
    after: 7,
    limit: 2000,
    kind: 'breaker.opened',
  })
  assert.deepEqual(eventQuery({ kind: 'alert.*' }), { kind: 'alert.*' })
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
  { kind: 'nothing.*' },
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

const note = { phase: 'started', site: 'east', message: 'about to kill', evidence: { rate: 300 } }
const keys = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, index]))

test('a drill’s note carries its texts trimmed, and its evidence as it is', () => {
  assert.deepEqual(drillBody(note), note)
  const evidence = { text: '', number: -1.5, boolean: false, nothing: null }
  assert.deepEqual(
    drillBody({ ...note, phase: 'finished', message: ' over ', reason: ' game day ', evidence }),
    { phase: 'finished', site: 'east', message: 'over', reason: 'game day', evidence },
  )
  assert.equal(Object.keys(drillBody({ ...note, evidence: keys(40) }).evidence).length, 40)
  assert.equal(drillBody({ ...note, message: 'x'.repeat(500) }).message.length, 500)
})

const badNotes: [what: string, body: unknown, message: RegExp][] = [
  ['no body', undefined, /^the body must be a JSON object, got nothing/],
  ['a list', [], /^the body must be a JSON object/],
  ['no phase', { ...note, phase: undefined }, /^phase/],
  ['another phase', { ...note, phase: 'paused' }, /^phase .* got "paused"/],
  ['no site', { ...note, site: undefined }, /^site/],
  ['a site that is no text', { ...note, site: 1 }, /^site/],
  ['no message', { ...note, message: undefined }, /^message/],
  ['an empty message', { ...note, message: '' }, /^message/],
  ['a blank message', { ...note, message: '  ' }, /^message/],
  ['a long message', { ...note, message: 'x'.repeat(501) }, /^message/],
  ['an empty reason', { ...note, reason: '' }, /^reason/],
  ['a long reason', { ...note, reason: 'x'.repeat(501) }, /^reason/],
  ['a null reason', { ...note, reason: null }, /^reason/],
  ['no evidence', { ...note, evidence: undefined }, /^evidence/],
  ['evidence in a list', { ...note, evidence: [1] }, /^evidence/],
  ['nested evidence', { ...note, evidence: { fine: 1, deep: {} } }, /^evidence\.deep/],
  ['a list in evidence', { ...note, evidence: { deep: [] } }, /^evidence\.deep/],
  ['a number without bounds', { ...note, evidence: { huge: JSON.parse('1e999') } }, /^evidence\.huge/],
  ['too much evidence', { ...note, evidence: keys(41) }, /^evidence .* 40 keys, got 41/],
  ['a misspelt key', { ...note, mesage: 'x' }, /^unknown key "mesage"/],
]
for (const [what, body, message] of badNotes) {
  test(`a drill’s note with ${what} is refused`, () => {
    assert.throws(() => drillBody(body), { name: 'ApiError', code: 'bad-parameter', message })
  })
}
