import assert from 'node:assert/strict'
import { test } from 'node:test'
import { repeatsOf } from './repeats.ts'

test('what came again is counted by rows, of which each begins where a life did', () => {
  const table: [messages: string, most: number, all: number, different: string][] = [
    ['abcd', 0, 0, 'abcd'],
    ['abcbcd', 2, 2, 'abcd'],
    ['abcabcabcd', 3, 6, 'abcd'],
    ['abbcdcd', 2, 3, 'abcd'],
  ]
  for (const [messages, most, all, different] of table)
    assert.deepEqual(repeatsOf([...messages]), { most, all, different: [...different] }, messages)
})
