import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readConnectionOptions } from './connection-options.ts'
import { checkHeader, Fields } from './fields.ts'

function read(lines: string, countMax = 100): { fields: Fields; count: number } {
  const fields = new Fields()
  const text = `GET / HTTP/1.1\r\n${lines}\r\n`
  return { fields, count: fields.read(text, 16, text.length, countMax) }
}

const table: [lines: string, count: number][] = [
  ['', 0],
  ['A: b\r\n', 1],
  ['A:\r\nB:c\r\n', 2],
  ["!#$%&'*+-.^_`|~0Az: \x80\xff\t!\r\n", 1],
  ['A: b', -1],
  ['A: b\n', -1],
  ['A b\r\n', -1],
  [': b\r\n', -1],
  ['A : b\r\n', -1],
  [' A: b\r\n', -1],
  ['A: b\r\n c\r\n', -1],
  ['A: \x00\r\n', -1],
  ['A: \x1f\r\n', -1],
  ['A: \x7f\r\n', -1],
  ['A: b\rC: d\r\n', -1],
  ['A: b\r\n\r\nC: d\r\n', -1],
]
for (const [lines, count] of table) {
  test(`${JSON.stringify(lines)} has ${count} headers`, () => assert.equal(read(lines).count, count))
}

test('no more headers than allowed', () => {
  assert.equal(read('A: 1\r\nB: 2\r\n', 2).count, 2)
  assert.equal(read('A: 1\r\nB: 2\r\nC: 3\r\n', 2).count, -2)
})

test('values come without the blanks around them', () => {
  const { fields } = read('A: \t b\tc \t\r\nB: \t \r\na:d\r\n')
  assert.deepEqual([fields.value(0), fields.value(1), fields.value(2)], ['b\tc', '', 'd'])
  assert.equal(fields.get('a'), 'b\tc, d')
  assert.equal(fields.get('b'), '')
  assert.equal(fields.get('c'), undefined)
  assert.ok(fields.isNamed(2, 'a') && fields.valueIs(2, 'd') && !fields.valueIs(0, 'b'))
})

test('a name that no line can have is refused before it is written', () => {
  for (const [name, value] of [
    ['', 'a'],
    ['A b', 'a'],
    ['A:', 'a'],
    ['A\r\n', 'a'],
    ['É', 'a'],
    ['A', 'a\r\nB: c'],
    ['A', '\0'],
    ['A', 'Ā'],
    ['A', '\x7f'],
  ] as const) {
    assert.throws(() => checkHeader(name, value), RangeError)
    assert.throws(() => read('').fields.set(name, value), RangeError)
  }
})

const name = fc.constantFrom('A', 'a', 'B', 'b-c', 'D', 'X-Long-Name')
const line = fc.record({
  name,
  blanks: fc.constantFrom('', ' ', '\t', '  '),
  value: fc.string({ unit: fc.constantFrom('a', 'é', '"', ';', ','), maxLength: 6 }),
  tail: fc.constantFrom('', ' '),
  dropped: fc.boolean(),
})
const edit = fc.record({
  name,
  value: fc.constantFrom('', 'new', 'é'),
  way: fc.constantFrom('set', 'add', 'remove'),
})

test('what is passed on is what came, byte for byte, less what was dropped or edited, then the edits', () => {
  fc.assert(
    fc.property(fc.array(line), fc.array(edit, { maxLength: 4 }), (lines, edits) => {
      const texts = lines.map((each) => `${each.name}:${each.blanks}${each.value}${each.tail}\r\n`)
      const { fields, count } = read(texts.join(''))
      assert.equal(count, lines.length)
      for (const [i, { dropped }] of lines.entries()) if (dropped) fields.drop(i)
      const replaced = new Set<string>()
      const behind = new Map<string, string[]>()
      for (const { name: edited, value, way } of edits) {
        const key = edited.toLowerCase()
        if (way === 'remove') fields.remove(edited)
        else fields[way](edited, value)
        if (way !== 'add') replaced.add(key)
        const before = way === 'add' ? (behind.get(key) ?? []) : []
        behind.set(key, way === 'remove' ? [] : [...before, value])
      }
      const kept = texts.filter((_, i) => !lines[i]!.dropped && !replaced.has(lines[i]!.name.toLowerCase()))
      const added = [...behind].flatMap(([key, values]) => values.map((value) => `${key}: ${value}\r\n`))
      assert.equal(fields.passOn(), [...kept, ...added].join(''))

      // What is passed on reads back as what `get` says.
      const again = read(fields.passOn())
      assert.equal(again.count, kept.length + added.length)
      for (const key of ['a', 'b', 'b-c', 'd', 'x-long-name'])
        assert.equal(again.fields.get(key), fields.get(key))
    }),
  )
})

const connections: [lines: string, says: 'close' | 'keep-alive' | null, passedOn: string][] = [
  ['Connection: close, x\r\nX: 1\r\nY: 2\r\n', 'close', 'Y: 2\r\n'],
  ['Connection: keep-alive ,X\r\nx: 1\r\nx: 2\r\n', 'keep-alive', ''],
  ['Connection: KEEP-ALIVE, Close\r\n', 'close', ''],
  ['Connection: x\r\nY: 2\r\n', null, 'Y: 2\r\n'],
  ['Connection: , ,\r\nY: 2\r\n', null, 'Y: 2\r\n'],
  ['Connection: closed, keep-alives\r\n', null, ''],
  // Only blank and tab are white space here: others might be read otherwise elsewhere.
  ['Connection: x, keep-alive\xa0\r\n', null, ''],
  [
    'Connection: host, cookie, Content-Length, authorization, x-forwarded-for\r\nHost: a\r\nCookie: b\r\n',
    null,
    'Host: a\r\nCookie: b\r\n',
  ],
]
for (const [lines, says, passedOn] of connections) {
  test(`${JSON.stringify(lines)} says ${says} and leaves ${JSON.stringify(passedOn)}`, () => {
    const { fields } = read(lines)
    fields.drop(0)
    assert.equal(readConnectionOptions(fields, 0), says)
    assert.equal(fields.passOn(), passedOn)
  })
}
