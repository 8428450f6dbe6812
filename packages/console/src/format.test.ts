import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMs, formatNumber, formatSpan, formatTime } from './format.ts'

const numbers: [value: number, text: string][] = [
  [0, '0'],
  [0.01, '<0.1'],
  [0.1, '0.1'],
  [1, '1'],
  [1.25, '1.3'],
  [9.94, '9.9'],
  [9.95, '10'],
  [999.4, '999'],
  [1_000, '1\u202f000'],
  [1_234_567.8, '1\u202f234\u202f568'],
]
for (const [value, text] of numbers)
  test(`${value} reads ${text}`, () => assert.equal(formatNumber(value), text))

const times: [value: number | null, text: string][] = [
  [null, '–'],
  [0, '0 ms'],
  [3.44, '3.4 ms'],
  [9.96, '10 ms'],
  [250.4, '250 ms'],
  [1_000, '1 s'],
  [1_540, '1.5 s'],
  [61_000, '61 s'],
]
for (const [value, text] of times)
  test(`${String(value)} ms reads ${text}`, () => assert.equal(formatMs(value), text))

const spans: [ms: number, text: string][] = [
  [-5_000, '0 s'],
  [1_400, '1 s'],
  [99_000, '99 s'],
  [100_000, '2 min'],
  [3_600_000, '60 min'],
  [6 * 3_600_000, '6 h'],
  [72 * 3_600_000, '3 d'],
]
for (const [ms, text] of spans)
  test(`a span of ${ms} ms reads ${text}`, () => assert.equal(formatSpan(ms), text))

test('the date is told when it is not today', () => {
  const now = new Date(2026, 0, 2, 10, 0, 0)
  assert.equal(formatTime(new Date(2026, 0, 2, 9, 5, 7), now), '09:05:07')
  assert.equal(formatTime(new Date(2026, 0, 1, 23, 59, 59), now), '2026-01-01 23:59:59')
})
