import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRecord } from '@budao/model'
import { recordTest } from './filter-match.ts'
import { LogFilterError, parseLogFilter } from '@budao/model'

const record: LogRecord = {
  timestamp: 1,
  observed: 2,
  severityNumber: 17,
  severityText: 'error',
  body: 'Payment 支付回调失败 for order 42',
  traceId: 'ab'.repeat(16),
  resource: { 'service.name': 'shop' },
  attributes: { 'url.path': '/api/a:b', 'http.response.status_code': 502, slow: true, empty: '' },
}

const holds: readonly (readonly [filter: string, expected: boolean])[] = [
  ['', true],
  ['*', true],
  ['log.level:error', true],
  ['log.level:ERROR', true],
  ['log.level:err*', true],
  ['log.level:warn', false],
  ['log.level>=warn', true],
  ['log.level>error', false],
  ['level<error', false],
  ['severity_number>=17', true],
  ['service.name:shop service:shop', true],
  ['url.path:/api/a:b', true],
  ['url.path:/api/*', true],
  ['url.path:"/api/*"', false],
  ['http.response.status_code>=500', true],
  ['http.response.status_code:502', true],
  ['http.response.status_code>abc', false],
  ['slow:true', true],
  ['slow:*', true],
  ['empty:*', false],
  ['missing:*', false],
  ['missing:x', false],
  [`trace.id:${'ab'.repeat(16)}`, true],
  ['支付', true],
  ['"回调失败 for"', true],
  ['payment ORDER', true],
  ['-payment', false],
  ['not refund', true],
  ['refund or 支付', true],
  ['refund or 支付 and 退款', false],
  ['(refund or 支付) -退款', true],
  ['log.level:error and service:shop', true],
  ['order', true],
]

test('filters hold for a record, or do not', () => {
  for (const [filter, expected] of holds)
    assert.equal(recordTest(parseLogFilter(filter))(record), expected, filter)
})

const refused: readonly (readonly [filter: string, column: number, message: RegExp])[] = [
  ['(a', 3, /expected `\)`, found the end/],
  ['a )', 3, /expected the end, or another condition, found "\)"/],
  ['a or', 5, /expected a word/],
  ['level:', 7, /expected a value behind level:, found the end/],
  ['level: error', 7, /found the end|expected a value behind level:/],
  ['a "b', 3, /expected a text that ends/],
  ['>=3', 1, /expected a word/],
  ['not '.repeat(60), 204, /at most 50 levels/],
]

test('a filter that cannot be read is refused with its column', () => {
  for (const [filter, column, message] of refused) {
    assert.throws(
      () => parseLogFilter(filter),
      (error) => {
        assert.ok(error instanceof LogFilterError)
        assert.match(error.message, message)
        return error.column === column
      },
      filter,
    )
  }
})
