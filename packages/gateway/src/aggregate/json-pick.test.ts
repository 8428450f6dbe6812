import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pickJson } from './json-pick.ts'

const table: [json: string, members: string[], value: string | undefined][] = [
  [' {"a": 1} ', [], '{"a": 1}'],
  ['12345678901234567890', [], '12345678901234567890'],
  ['{"a":{"b":[1,{"c":1.50e+3}]}}', ['a', 'b', '1', 'c'], '1.50e+3'],
  ['{"a":1,"a":2}', ['a'], '2'],
  ['{"\\u0061":"x\\"}"}', ['a'], '"x\\"}"'],
  ['{"a\\\\":"]"}', ['a\\'], '"]"'],
  ['{ "x" : "}" , "y" : [ "]" , { } ] , "z" : null }', ['z'], 'null'],
  ['{"ä":true}', ['ä'], 'true'],
  ['{}', ['a'], undefined],
  ['[]', ['0'], undefined],
  ['[1,2]', ['2'], undefined],
  ['[1,2]', ['01'], undefined],
  ['[1,2]', ['length'], undefined],
  ['{"a":1}', ['a', 'b'], undefined],
  ['"abc"', ['0'], undefined],
]
for (const [json, members, value] of table) {
  test(`${members.join('.')} of ${json} is ${value}`, () => assert.equal(pickJson(json, members), value))
}

test('what is found is what JSON.parse finds', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(3), fc.infiniteStream(fc.nat()), (value, indent, draws) => {
      const json = JSON.stringify(value, null, indent)
      const members: string[] = []
      let at: unknown = value
      for (const draw of draws) {
        const keys = typeof at === 'object' && at !== null ? Object.keys(at) : []
        if (keys.length === 0) break
        members.push(keys[draw % keys.length]!)
        at = (at as Record<string, unknown>)[members.at(-1)!]
      }
      assert.deepEqual(JSON.parse(pickJson(json, members)!), JSON.parse(JSON.stringify(at)))
    }),
  )
})

test('nesting has no limit here', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  assert.equal(pickJson(`{"a":${deep},"b":1}`, ['b']), '1')
})
