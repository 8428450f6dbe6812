import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type ChangeEvent, eventDigestInput, type Json, sameJson } from './change-event.ts'
import { isChangeEvent } from './change-event-check.ts'
import { changeEventSchema, parseChangeEvent } from './change-event-parser.ts'

const good = {
  ...{ id: 'e-1', op: 'update', payload: { id: 7 }, v: 1, origin: 'east', epoch: 3, hlc: '0192f00000000001' },
  ...{ seq: 12, key: '7', table: 'orders', schemaVersion: 1, txId: 't-1', hash: 'abc' },
} as const

const name = fc.oneof(
  fc.constantFrom(...Object.keys(good), 'before', 'knew', 'trace'),
  fc.constantFrom('__proto__', 'constructor', 'toString'),
)
// What is nearly right finds more than what is anything.
const nearly = fc.oneof(
  fc.constantFrom<unknown>(null, 0, -0, -1, 1, 1.5, 2 ** 53, true, '', 'x'.repeat(255), 'x'.repeat(256)),
  fc.constantFrom<unknown>('x'.repeat(1025), '0192F00000000001', '0192f00000000001', 'delete', [], {}, [1]),
  fc.constantFrom<unknown>({ east: 1 }, { east: -1 }, { east: 'x' }, nested(31), nested(33)),
  fc.jsonValue(),
)
/** Some fields of a good event replaced, added and left out, as text: numbers that no JSON of ours holds among them. */
const texts = fc
  .record({
    changes: fc.array(fc.tuple(name, nearly), { maxLength: 3 }),
    without: fc.subarray(Object.keys(good), { maxLength: 2 }),
    huge: fc.boolean(),
  })
  .map(({ changes, without, huge }) => {
    const fields = new Map<string, unknown>(Object.entries(good))
    for (const [key, value] of changes) fields.set(key, value)
    for (const key of without.length === 2 ? without : []) fields.delete(key)
    const parts = [...fields].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    const text = `{${parts.join(',')}}`
    return huge ? text.replace('"id":7}', '"id":1e999}') : text
  })

test('what passes for an event without the schema is what the schema lets pass, and the same', () => {
  let passed = 0
  fc.assert(
    fc.property(texts, (text) => {
      const value: unknown = JSON.parse(text)
      const bySchema = changeEventSchema.safeParse(value)
      if (!isChangeEvent(value)) return
      passed++
      assert.ok(bySchema.success, text)
      assert.deepEqual(bySchema.data, value)
      assert.ok(!hasProto(value), text)
    }),
    { numRuns: 3000 },
  )
  assert.ok(passed > 300, `only ${passed} of 3000 were events`)
})

test('an event with every field passes without the schema, and nothing that only resembles one does', () => {
  assert.ok(isChangeEvent({ ...good, before: { id: 7 }, knew: { east: 1 }, trace: { parent: 'x' } }))
  for (const key of Object.keys(good)) {
    const { [key as keyof typeof good]: _, ...rest } = good
    assert.ok(!isChangeEvent(rest), `without ${key}`)
  }
  const poisoned = JSON.stringify(good).replace('"id":7', '"a":[{"__proto__":1}]')
  assert.ok(!isChangeEvent(JSON.parse(poisoned)))
  const refused = parseChangeEvent(poisoned)
  assert.match(refused.ok ? '' : refused.detail, /event\.payload\.a\.0: expected no key named __proto__/)
})

test('the digest is taken of the canonical JSON, whatever fields there are', () => {
  fc.assert(
    fc.property(fc.dictionary(name, fc.jsonValue() as fc.Arbitrary<Json>), (fields) => {
      const { hash: _, ...hashed } = fields
      assert.equal(eventDigestInput(fields as unknown as ChangeEvent), canonicalJson(hashed))
    }),
  )
})

test('two values are the same where their canonical JSON is', () => {
  const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>
  const odd = fc.constantFrom<Json>(Infinity, NaN, null, -0, 0, { a: Infinity }, { a: null }, [null], [NaN])
  const either = fc.oneof(value, odd)
  fc.assert(
    fc.property(either, either, (a, b) => {
      assert.equal(sameJson(a, b), canonicalJson(a) === canonicalJson(b))
      assert.ok(sameJson(a, structuredClone(a) as Json))
    }),
  )
})

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, each]) => key === '__proto__' || hasProto(each))
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) }
}
