import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPath, formatProblem } from './problem.ts'

test('a problem is one line an editor can follow', () => {
  const place = { file: 'budao.yaml', line: 12, column: 7, path: 'a.b' }
  assert.equal(
    formatProblem({ ...place, message: 'unknown key', hint: 'did you mean `c`?' }),
    'budao.yaml:12:7  a.b: unknown key (did you mean `c`?)',
  )
  assert.equal(
    formatProblem({ ...place, message: 'bad value', expected: 'a text', found: '3' }),
    'budao.yaml:12:7  a.b: bad value: expected a text, found 3',
  )
  assert.equal(
    formatProblem({ ...place, path: '', message: 'nested too deeply' }),
    'budao.yaml:12:7  nested too deeply',
  )
})

test('paths have brackets for items and for keys that are not words', () => {
  assert.equal(formatPath([]), '')
  assert.equal(formatPath(['routes', 0, 'match', 1]), 'routes[0].match[1]')
  assert.equal(formatPath(['services', 'my shop', 'X-A']), 'services["my shop"].X-A')
})
