import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleEndpoint as endpoint, sampleService as shop } from '@budao/testkit'
import { event, report } from '../test/reports.ts'
import { answered, eventsPath, initialState, isLastUsable, unanswered } from './page-state.ts'

const at = new Date('2026-01-01T12:00:00.000Z')
const later = new Date('2026-01-01T12:00:09.000Z')

test('the first question asks for the newest events, the next for those after them', () => {
  assert.equal(eventsPath(initialState), '/api/v1/events?limit=200')
  const state = answered(initialState, report(), { lastSeq: 7, events: [event(6), event(7)] }, at, 0)
  assert.equal(eventsPath(state), '/api/v1/events?after=7&limit=200')
  const next = answered(state, report(), { lastSeq: 8, events: [event(8)] }, at, 1_000)
  assert.deepEqual(
    next.events.map(({ seq }) => seq),
    [6, 7, 8],
  )
})

test('events are bounded', () => {
  let state = initialState
  for (let seq = 1; seq <= 500; seq++) {
    state = answered(state, report(), { lastSeq: seq, events: [event(seq)] }, at, seq)
  }
  assert.equal(state.events.length, 200)
  assert.equal(state.events.at(-1)?.seq, 500)
})

test('a gateway whose numbering began again is read from the beginning', () => {
  const state = answered(initialState, report(), { lastSeq: 90, events: [event(90)] }, at, 0)
  const restarted = answered(state, report(), { lastSeq: 2, events: [] }, later, 1_000)
  assert.deepEqual(restarted.events, [])
  assert.equal(eventsPath(restarted), '/api/v1/events?limit=200')
})

test('silence keeps the last report and the moment it began', () => {
  const state = answered(initialState, report(), { lastSeq: 0, events: [] }, at, 0)
  const silent = unanswered(unanswered(state, 'refused', at), 'timed out', later)
  assert.equal(silent.report, state.report)
  assert.equal(silent.failures, 2)
  assert.deepEqual(silent.unreachable, { since: at, reason: 'timed out' })

  const back = answered(silent, report(), { lastSeq: 0, events: [] }, later, 9_000)
  assert.equal(back.unreachable, null)
  assert.equal(back.failures, 0)
  assert.equal(back.samples.length, 1, 'rates do not reach over the gap')
})

test('the last usable place is known', () => {
  const out = endpoint('b:1', 'west', { state: 'unhealthy' })
  const one = report({ services: [shop([endpoint('a:1', 'east'), out])] })
  assert.equal(isLastUsable(one, 'shop', 'a:1'), true)
  assert.equal(isLastUsable(one, 'shop', 'b:1'), false)
  assert.equal(isLastUsable(report(), 'shop', 'a:1'), false)
  assert.equal(isLastUsable(report(), 'shop', undefined), true, 'a service has no other')
})
