import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ExchangeRecord } from './filter.ts'
import { logFormat } from './log-format.ts'
import { testRecord, TestRequest } from './test-exchange.test.ts'

const place = { route: 'shop', node: 'gw-1' }
const wall = Date.UTC(2026, 9, 5, 8, 1, 2, 345)

function lineOf(
  config: Partial<Parameters<typeof logFormat>[0]>,
  request: Partial<TestRequest> = {},
  record: Partial<ExchangeRecord> = {},
): string {
  return logFormat({ format: 'json', ...config }, place)(new TestRequest(request), testRecord(record), wall)
}

test('combined is what web servers write', () => {
  const request = {
    method: 'POST',
    path: '/a',
    query: 'b=1',
    clientIp: '2001:db8::1',
    httpVersion: '2' as const,
    headers: { referer: 'https://shop.example/"x"', 'user-agent': 'a\\b' },
  }
  assert.equal(
    lineOf({ format: 'combined' }, request, { status: 201, responseBytes: 7 }),
    '2001:db8::1 - - [05/Oct/2026:08:01:02 +0000] "POST /a?b=1 HTTP/2" 201 7 "https://shop.example/\\x22x\\x22" "a\\x5Cb"\n',
  )
  assert.match(lineOf({ format: 'combined' }), /"GET \/ HTTP\/1\.1" 200 \d+ "-" "-"\n$/)
})

test('a template takes fields by name, and headers', () => {
  const template =
    '{timestamp} {budao.route}@{budao.node} {http.response.status_code} "{header:X-Tenant}" {url.query} {budao.reason}!'
  assert.equal(
    lineOf({ template }, { headers: { 'x-tenant': 'é\xff' } }),
    '2026-10-05T08:01:02.345Z shop@gw-1 200 "\\xE9\\xFF" - -!\n',
  )
  assert.equal(lineOf({ template: 'always the same' }), 'always the same\n')
})

test('a name that stands for nothing is refused', () => {
  for (const template of ['{client.adress}', '{}', '{header:}', '{constructor}'])
    assert.throws(() => lineOf({ template }), /expected header:Name, url, or one of timestamp/)
})

test('whatever a client sends, one exchange is one line of ASCII, and a quoted value stays quoted', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (agent, path) => {
      const line = lineOf({ format: 'combined' }, { path, headers: { 'user-agent': agent } })
      assert.match(line, /^[\x20-\x7e]+\n$/)
      assert.equal(line.split('"').length, 7)
    }),
  )
})
