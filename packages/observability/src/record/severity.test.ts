import assert from 'node:assert/strict'
import { test } from 'node:test'
import { severityOf } from './severity.ts'

for (const word of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'loud']) {
  test(`${word} is a level that nobody knows: it keeps its word`, () => {
    assert.deepEqual(severityOf(word), { severityNumber: 0, severityText: word.toLowerCase() })
  })
}

test('words that mean the same are the same, whatever their case', () => {
  assert.deepEqual(severityOf('WARNING'), severityOf('warn'))
  assert.deepEqual(severityOf('Crit'), { severityNumber: 18, severityText: 'critical' })
})
