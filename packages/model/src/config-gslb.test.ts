import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config-parser.ts'
import { gslbWorstCase } from './gslb-worst-case.ts'
import { parseSnapshot } from './snapshot-parser.ts'
import { createSnapshot } from './snapshot.ts'

const good = `version: 1
node: { name: gw-1, site: east }
sites: { east: {}, west: {} }
admin: { address: 127.0.0.1:9900 }
listeners: [{ name: web, address: 127.0.0.1:8080, protocol: http }]
services: { shop: { endpoints: [{ address: 127.0.0.1:7001, site: east }] } }
routes: [{ name: all, backends: [{ service: shop }] }]
gslb:
  listen: [127.0.0.1:5353]
  sites:
    east: { addresses: [192.0.2.1] }
    west: { addresses: [198.51.100.1] }
  zones:
    shop.example:
      nameServers: [ns1.dns.example]
      records: [{ name: www, type: A, value: 203.0.113.1 }]
      names:
        api: { services: [shop] }
`

function problems(...changes: readonly (readonly [from: string, to: string])[]): string[] {
  let text = good
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from)
    text = text.replace(from, to)
  }
  const parsed = parseConfig(text, 'f')
  const found = parsed.ok ? parsed.warnings : parsed.problems
  return found.map(
    ({ path, message, expected, found: was }) =>
      `${path}: ${message}${expected === undefined ? '' : `, expected ${expected}`}${was === undefined ? '' : `, found ${was}`}`,
  )
}

const api = 'api: { services: [shop]'
const record = '{ name: www, type: A, value: 203.0.113.1 }'

const cases: readonly [what: string, change: readonly [string, string], problem: RegExp][] = [
  ['a site that is none', ['    west: {', '    north: {'], /^gslb\.sites\.north: unknown site/],
  ['a service that is none', [api, 'api: { services: [cart]'], /services\[0\]: unknown service/],
  ['a site of a name that is none', [api, `${api}, sites: [north]`], /sites\[0\]: unknown site/],
  ['a site twice', [api, `${api}, sites: [east, east]`], /sites\[1\]: site given twice/],
  [
    'a weight of a site that is not asked',
    [api, `${api}, sites: [east], weights: { west: 1 }`],
    /weights\.west: unknown site/,
  ],
  ['no weight at all', [api, `${api}, weights: { east: 0, west: 0 }`], /weights: all weights are 0/],
  [
    'a least time to live above the most',
    [api, `${api}, ttl: { min: 1m, max: 30s }`],
    /ttl\.min: longer than ttl\.max/,
  ],
  ['an address that is a name', ['192.0.2.1]', 'gw.example]'], /addresses\[0\]: .*an IPv4 or IPv6 address/],
  ['an address with a network', ['192.0.2.1]', '192.0.2.0/24]'], /addresses\[0\]: .*an IPv4 or IPv6 address/],
  ['no addresses', ['[192.0.2.1]', '[]'], /addresses: .*at least one address/],
  ['a zone in capitals', ['shop.example:', 'Shop.example:'], /a domain name in lower case/],
  ['a zone with a dot at its end', ['shop.example:', 'shop.example.:'], /a domain name in lower case/],
  ['a name with a wildcard in its middle', ['  api:', '  a.*.b:'], /a name within the zone/],
  [
    'listening where a listener does',
    ['127.0.0.1:5353', '127.0.0.1:8080'],
    /^gslb\.listen\[0\]: address given twice/,
  ],
  ['listening where the admin API does', ['[127.0.0.1:5353]', '[127.0.0.1:9900]'], /address given twice/],
  [
    'listening nowhere',
    ['  listen: [127.0.0.1:5353]\n', ''],
    /^gslb: answers nowhere, expected listen, http or both/,
  ],
  [
    'a record that is no address',
    [record, '{ name: www, type: A, value: www.example }'],
    /value: bad value, expected an IPv4 address/,
  ],
  [
    'a record beside a name that follows',
    [record, '{ name: api, type: A, value: 203.0.113.1 }'],
    /type: this name follows the sites already/,
  ],
  [
    'an alias at the zone itself',
    [record, '{ name: "@", type: CNAME, value: x.example }'],
    /name: an alias beside other records/,
  ],
  [
    'an alias beside a text',
    [record, `{ name: www, type: CNAME, value: x.example }, { name: www, type: TXT, value: x }`],
    /records\[0\]\.name: an alias beside other records/,
  ],
  [
    'two aliases',
    [record, `{ name: www, type: CNAME, value: x.example }, { name: www, type: CNAME, value: y.example }`],
    /records\[1\]\.name: an alias beside other records/,
  ],
  ['an unknown type', [record, '{ name: www, type: NS, value: x.example }'], /type: .*one of A, AAAA, CAA/],
  ['a country in small letters', ['[192.0.2.1]', '[192.0.2.1], countries: [cn]'], /a country such as CN/],
  ['a region without a country', ['[192.0.2.1]', '[192.0.2.1], regions: [GD]'], /a region such as CN-GD/],
  [
    'an answer too large to be one',
    ['  sites:\n', '  udpBytes: 9000\n  sites:\n'],
    /udpBytes: .*a whole number from 512 to 4096/,
  ],
  [
    'a country without a file (a warning)',
    ['[192.0.2.1]', '[192.0.2.1], countries: [CN]'],
    /^gslb\.sites\.east: asns, regions, countries and continents are looked up in files of gslb\.geo, and there is none$/,
  ],
  [
    'a name server without an address (a warning)',
    ['ns1.dns.example', 'ns1.shop.example'],
    /nameServers\[0\]: a name of this zone that has no address in it$/,
  ],
  [
    'nearest without any place (a warning)',
    [api, `${api}, policy: nearest`],
    /policy: no site says which clients are near to it/,
  ],
]

for (const [what, change, problem] of cases) {
  test(`${what} is told`, () => {
    const found = problems(change)
    assert.ok(
      found.some((each) => problem.test(each)),
      found.join('\n'),
    )
  })
}

test('the plain file is fine', () => assert.deepEqual(problems(), []))

test('the worst case is that of the slowest check, and unknown where nothing checks', () => {
  const check = (more: string): string =>
    good.replace(
      /services: \{ shop: .*\n/,
      `services:\n  shop: { endpoints: [{ address: 127.0.0.1:7001, site: east }]${more} }\n`,
    )
  const worst = (text: string): unknown => {
    const parsed = parseConfig(text, 'f')
    assert.ok(parsed.ok)
    const { gslb, services } = parsed.config
    return gslbWorstCase(gslb!.zones['shop.example']!.names['api']!, services)
  }
  assert.deepEqual(
    worst(check(', healthCheck: { type: tcp, interval: 1s, timeout: 500ms, unhealthyAfter: 3 }')),
    {
      detectionMs: 3_500,
      pushMs: 100,
      ttlMs: 30_000,
      totalMs: 33_600,
    },
  )
  assert.deepEqual(worst(check('')), { detectionMs: null, pushMs: 100, ttlMs: 30_000, totalMs: null })
})

test('a snapshot keeps it all', () => {
  const parsed = parseConfig(good, 'f')
  assert.ok(parsed.ok)
  const snapshot = createSnapshot(parsed.config, 'f', 1, 0)
  const kept = parseSnapshot(JSON.parse(JSON.stringify(snapshot)))
  assert.deepEqual(kept.config, parsed.config)
})
