import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type ChangeEvent, draftKey, eventBytesMax, type Json } from './change-event.ts'
import { parseChangeDraft, parseChangeEvent } from './change-event-parser.ts'
import { fromCloudEvent, toCloudEvent } from './cloud-event.ts'

const event = {
  id: 'e-1',
  op: 'update',
  payload: { id: 7, name: '不倒' },
  v: 1,
  origin: 'east',
  epoch: 3,
  hlc: '0192f00000000001',
  seq: 12,
  key: '7',
  table: 'orders',
  schemaVersion: 1,
  txId: 't-1',
  before: null,
  hash: 'abc',
  // Of a later version.
  trace: { parent: '00-1' },
} as const satisfies ChangeEvent & Record<string, unknown>

test('an event survives its JSON, unknown fields and all', () => {
  assert.deepEqual(parseChangeEvent(JSON.stringify(event)), { ok: true, event })
})

test('an event survives being a CloudEvent, unknown fields and all', () => {
  const cloud = toCloudEvent(event)
  assert.equal(cloud.source, '/sites/east')
  assert.equal(cloud.type, 'budao.change.update')
  assert.equal(cloud.subject, 'orders/7')
  for (const name of Object.keys(cloud)) assert.match(name, /^[a-z0-9]{1,20}$/)
  assert.deepEqual(fromCloudEvent(JSON.parse(JSON.stringify(cloud))), event)
  assert.equal(fromCloudEvent({ ...cloud, type: 'com.example.other' }), null)
})

test('id, op and payload are enough of an application', () => {
  const draft = { id: 'e-1', op: 'create', payload: { id: 5 } }
  assert.deepEqual(parseChangeDraft(draft), { ok: true, event: draft })
  assert.equal(draftKey({ id: 'e-1', payload: { id: 5 } }), '5')
  assert.equal(draftKey({ id: 'e-1', payload: null }), 'e-1')
  assert.equal(draftKey({ id: 'e-1', key: 'k', payload: { id: 5 } }), 'k')
})

const bad: readonly [what: string, text: string, reason: string, detail: RegExp][] = [
  ['broken JSON', '{"id":', 'not-an-event', /expected JSON/],
  ['no id', JSON.stringify({ ...event, id: undefined }), 'not-an-event', /id: expected a text/],
  ['unknown op', JSON.stringify({ ...event, op: 'upsert' }), 'not-an-event', /op: expected create, update/],
  [
    'a row that is a list',
    JSON.stringify({ ...event, payload: [1] }),
    'not-an-event',
    /payload: expected an object/,
  ],
  [
    'an update to nothing',
    JSON.stringify({ ...event, payload: null }),
    'not-an-event',
    /only a delete has none/,
  ],
  [
    '5 MB',
    JSON.stringify({ ...event, payload: { text: 'x'.repeat(5e6) } }),
    'too-large',
    /at most 1000000 bytes/,
  ],
  [
    '__proto__',
    JSON.stringify(event).replace('"name"', '"__proto__"'),
    'not-an-event',
    /event\.payload: expected no key named __proto__/,
  ],
  ['endless nesting', JSON.stringify({ ...event, payload: { a: nested(200) } }), 'not-an-event', /32 levels/],
  ['a stamp of words', JSON.stringify({ ...event, hlc: 'now' }), 'not-an-event', /hlc: expected 16 hex/],
  ['a number', '7', 'not-an-event', /event: expected/],
]
for (const [what, text, reason, detail] of bad) {
  test(`${what} is no event, and the reason says so`, () => {
    const parsed = parseChangeEvent(text)
    assert.ok(!parsed.ok)
    assert.equal(parsed.reason, reason)
    assert.match(parsed.detail, detail)
  })
}

test('the limit is below what a broker takes by default', () => assert.ok(eventBytesMax < 1_048_576))

test('equal values have one canonical text, whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.jsonValue() as fc.Arbitrary<Json>, (value) => {
      const text = canonicalJson(value)
      assert.equal(canonicalJson(JSON.parse(text) as Json), text)
      assert.equal(canonicalJson(reversed(value)), text)
    }),
  )
})

function reversed(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each: Json) => reversed(each))
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, each]) => [key, reversed(each as Json)]),
  )
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)]
}
