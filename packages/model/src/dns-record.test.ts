import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GslbRecordType } from './config-gslb.ts'
import { parseDnsRecord } from './dns-record.ts'

const cases: readonly [type: GslbRecordType, value: string, data: unknown][] = [
  ['A', '192.0.2.1', '192.0.2.1'],
  ['A', '192.0.2.256', undefined],
  ['A', '2001:db8::1', undefined],
  ['AAAA', '2001:db8::1', '2001:db8::1'],
  ['AAAA', '192.0.2.1', undefined],
  ['CNAME', 'www.Shop.example.', 'www.Shop.example'],
  ['CNAME', 'a..b', undefined],
  ['CNAME', `${'x'.repeat(64)}.example`, undefined],
  ['MX', '10 mail.shop.example', { preference: 10, exchange: 'mail.shop.example' }],
  ['MX', '70000 mail.shop.example', undefined],
  ['MX', 'mail.shop.example', undefined],
  ['SRV', '0 5 443 api.shop.example.', { priority: 0, weight: 5, port: 443, target: 'api.shop.example' }],
  ['SRV', '0 5 99999 api.shop.example', undefined],
  ['CAA', '0 issue "letsencrypt.org"', { flags: 0, tag: 'issue', value: 'letsencrypt.org' }],
  ['CAA', '128 ISSUEWILD ";"', { flags: 128, tag: 'issuewild', value: ';' }],
  ['CAA', '0 issue letsencrypt.org', undefined],
  ['TXT', 'v=spf1 -all', ['v=spf1 -all']],
  ['TXT', 'x'.repeat(300), ['x'.repeat(255), 'x'.repeat(45)]],
  ['TXT', '"a b" "c \\"d\\""', ['a b', 'c "d"']],
  ['TXT', '"open', undefined],
  ['TXT', `"${'x'.repeat(256)}"`, undefined],
  ['TXT', 'x'.repeat(4_097), undefined],
  ['TXT', 'ü', undefined],
]

for (const [type, value, data] of cases) {
  test(`${type} ${value.slice(0, 40)}`, () => assert.deepEqual(parseDnsRecord(type, value)?.data, data))
}
