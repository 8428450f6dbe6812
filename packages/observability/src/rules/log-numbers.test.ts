import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRecord } from '@budao/model'
import { LogNumbers, logNumberProblem } from './log-numbers.ts'

const record = (level: 'error' | 'info', release: string): LogRecord => ({
  timestamp: 0,
  observed: 0,
  severityNumber: level === 'error' ? 17 : 9,
  severityText: level,
  body: '',
  resource: {},
  attributes: { 'budao.release': release },
})

test('numbers of two releases are counted apart; too few records are no number', () => {
  const text = (release: string): string =>
    `ratio(log.level:error and budao.release:${release} / budao.release:${release}) > 0.2 in 1m min 4`
  const numbers = new LogNumbers(
    ['canary', 'stable'].map((release) => ({ key: release, text: text(release) })),
    0,
  )
  const records = [
    ...Array.from({ length: 4 }, (_, n) => record(n === 0 ? 'error' : 'info', 'canary')),
    ...Array.from({ length: 3 }, () => record('info', 'stable')),
  ]
  numbers.take(records, 1_000)
  assert.deepEqual(numbers.ask('canary', 2_000), { value: 0.25, holds: true })
  assert.deepEqual(numbers.ask('stable', 2_000), { value: null, why: 'too few records for a number' })
  assert.equal(numbers.filters.length, 4)
})

for (const [text, expected] of [
  ['count(log.level:error) > 1 in 1m', null],
  ['count(log.level:error) > 1 in 1m by service', 'one number'],
  ['value(up{}) < 1', 'a condition over logs'],
  ['count(log.level:error) in 1m', '>, >=, <, <=, == or != and a number'],
] as const)
  test(`${text}: ${expected ?? 'well'}`, () =>
    assert.equal(logNumberProblem(text)?.expected ?? null, expected))
