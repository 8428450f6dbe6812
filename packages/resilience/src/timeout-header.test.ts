import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { parseTimeoutHeader } from './timeout-header.ts'

test('digits are milliseconds, and the units are those of grpc-timeout', () => {
  const table: [string, number][] = [
    ['0', 0],
    ['250', 250],
    ['99999999', 99_999_999],
    ['250m', 250],
    ['2S', 2_000],
    ['1M', 60_000],
    ['1H', 3_600_000],
    ['1500u', 1.5],
    ['0n', 0],
  ]
  for (const [text, ms] of table) assert.equal(parseTimeoutHeader(text), ms, text)
})

test('anything else binds nobody', () => {
  for (const text of [
    '',
    'm',
    '-1',
    '1.5',
    ' 1',
    '1 ',
    '1s',
    '1ms',
    '0x10',
    '1e3',
    '123456789',
    '123456789m',
    '1,2',
  ])
    assert.equal(parseTimeoutHeader(text), -1, text)
})
