import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { createPaint, formatTable, printJson, printLine } from './output.ts'

function terminal(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => written.push(text) }
}

test('columns are as wide as their widest cell, numbers to the right', () => {
  const table = formatTable(
    [{ title: 'NAME' }, { title: 'N', align: 'right' }],
    [
      ['shop', '1'],
      ['products', '100'],
    ],
  )
  assert.equal(table, 'NAME        N\nshop        1\nproducts  100')
})

test('what does not fit is cut in the widest column', () => {
  const table = formatTable([{ title: 'A' }, { title: 'B' }], [['short', 'x'.repeat(40)]], 20)
  assert.equal(table, `A      B\nshort  ${'x'.repeat(12)}…`)
})

test('colours take no room', () => {
  const red = createPaint(terminal(true), {})
  const table = formatTable([{ title: 'STATE' }, { title: 'N' }], [[red('red', 'down'), '1']])
  assert.equal(stripVTControlCharacters(table), 'STATE  N\ndown   1')
  assert.ok(table.includes('\u001b[31mdown'))
})

test('no line of a table is wider than asked for, as long as each column has room for one character', () => {
  const cell = fc.string({ unit: 'grapheme-ascii', maxLength: 60 })
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell)), fc.integer({ min: 7, max: 100 }), (rows, width) => {
      const table = formatTable([{ title: 'A' }, { title: 'B', align: 'right' }, { title: 'C' }], rows, width)
      for (const line of table.split('\n')) assert.ok(Array.from(line).length <= width, line)
    }),
  )
})

const paints: [where: string, isTTY: boolean, env: Record<string, string>, coloured: boolean][] = [
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', true, { NO_COLOR: '' }, true],
]
for (const [where, isTTY, env, coloured] of paints) {
  test(`${where} gets ${coloured ? 'colours' : 'plain text'}`, () => {
    assert.equal(createPaint(terminal(isTTY), env)('green', 'up') !== 'up', coloured)
  })
}

test('lines and JSON end with a line end', () => {
  const out = terminal(false)
  printLine('a', out)
  printJson({ b: 1 }, out)
  assert.equal(out.written.join(''), 'a\n{\n  "b": 1\n}\n')
})
