import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valueIn, linesOf, linesWithout } from './header-lines.ts'

test('a header is found among lines whatever its case, several joined', () => {
  const lines = 'Accept: a\r\nX-Empty:\r\nACCEPT:  b \r\n'
  for (const [name, value] of [
    ['accept', 'a, b'],
    ['x-empty', ''],
    ['cookie', undefined],
  ] as const)
    assert.equal(valueIn(lines, name), value, name)
  assert.equal(valueIn('', 'accept'), undefined)
})

test('lines are chosen by name, each as it came', () => {
  const lines = 'Accept: a\r\nX-Empty:\r\nACCEPT:  b \r\nCookie: accept: c\r\n'
  const names = new Set(['accept', 'x'])
  assert.equal(linesOf(lines, names), 'Accept: a\r\nACCEPT:  b \r\n')
  assert.equal(linesWithout(lines, names), 'X-Empty:\r\nCookie: accept: c\r\n')
  assert.equal(linesOf('', names) + linesWithout('', names), '')
})
