import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { durationMaxMs, formatDuration, parseDuration } from './duration.ts'

const table: [text: string, ms: number | undefined][] = [
  ['500ms', 500],
  ['3s', 3000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['1h30m', 5_400_000],
  ['1m500ms', 60_500],
  ['0s', 0],
  ['0.4ms', 0],
  ['24d', 2_073_600_000],
  ['25d', undefined],
  ['', undefined],
  ['5', undefined],
  ['5 s', undefined],
  ['-5s', undefined],
  ['5S', undefined],
  ['5s3m', undefined],
  ['5s5s', undefined],
  ['.5s', undefined],
  ['1e3ms', undefined],
  ['5s\n', undefined],
]
for (const [text, ms] of table) {
  test(`${JSON.stringify(text)} is ${ms ?? 'no duration'}`, () => assert.equal(parseDuration(text), ms))
}

test('what is formatted parses back to the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: durationMaxMs }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms)
    }),
  )
})

test('the shortest unit that is exact is written', () => {
  assert.deepEqual([0, 1, 1500, 90_000, 300_000, 86_400_000].map(formatDuration), [
    '0s',
    '1ms',
    '1500ms',
    '90s',
    '5m',
    '1d',
  ])
})
