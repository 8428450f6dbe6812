import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { ClientPlaces } from './client-places.ts'
import { GeoFiles } from './geo-files.ts'
import { ipBytes, networkOf } from './ip.ts'
import { source, testGslb } from './test-gslb.test.ts'

type Value = string | number | readonly Value[] | { readonly [key: string]: Value }

/** One field as the MaxMind DB format writes it. */
function field(value: Value): Buffer {
  const control = (type: number, size: number): Buffer =>
    type < 8 ? Buffer.from([(type << 5) | size]) : Buffer.from([size, type - 7])
  if (typeof value === 'string') return Buffer.concat([control(2, value.length), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  if (Array.isArray(value))
    return Buffer.concat([control(11, value.length), ...value.map((each: Value) => field(each))])
  const entries = Object.entries(value as Record<string, Value>)
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, each]) => [field(key), field(each)]),
  ])
}

/** An MMDB file for IPv4: a tree of 24-bit records, data, metadata. */
function mmdb(networks: Readonly<Record<string, Value>>): Buffer {
  const nodes: [number, number][] = [[-1, -1]]
  const data: Buffer[] = []
  let dataBytes = 0
  const leaves: [node: number, side: 0 | 1, at: number][] = []
  for (const [text, value] of Object.entries(networks)) {
    const { address, length } = networkOf(text)!
    let node = 0
    for (let bit = 0; bit < length; bit++) {
      const side = ((address[bit >> 3]! >> (7 - (bit & 7))) & 1) as 0 | 1
      if (bit === length - 1) leaves.push([node, side, dataBytes])
      else {
        if (nodes[node]![side] < 0) nodes[node]![side] = nodes.push([-1, -1]) - 1
        node = nodes[node]![side]
      }
    }
    data.push(field(value))
    dataBytes += data.at(-1)!.length
  }
  for (const [node, side, at] of leaves) nodes[node]![side] = nodes.length + 16 + at
  const tree = Buffer.alloc(nodes.length * 6)
  for (const [index, sides] of nodes.entries())
    for (const side of [0, 1] as const)
      tree.writeUIntBE(sides[side] < 0 ? nodes.length : sides[side], index * 6 + side * 3, 3)
  const metadata = field({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1,
    database_type: 'test',
    description: { en: 'test' },
    ip_version: 4,
    languages: ['en'],
    node_count: nodes.length,
    record_size: 24,
  })
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\u00ab\u00cd\u00efMaxMind.com', 'latin1'),
    metadata,
  ])
}

const nested = mmdb({
  '1.2.0.0/16': {
    country: { iso_code: 'CN' },
    continent: { code: 'AS' },
    subdivisions: [{ iso_code: 'GD' }],
  },
  '5.0.0.0/8': { country: { iso_code: 'FR' }, continent: { code: 'EU' } },
})
const flat = mmdb({ '1.2.3.0/24': { country_code: 'JP' }, '9.0.0.0/8': { country_code: 'BR' } })
const carriers = mmdb({
  '1.2.128.0/17': { autonomous_system_number: 4_134 },
})

function files(t: Parameters<typeof tempDir>[0]): string[] {
  const dir = tempDir(t)
  return Object.entries({ nested, flat, carriers }).map(([name, bytes]) => {
    const path = join(dir, `${name}.mmdb`)
    writeFileSync(path, bytes)
    return path
  })
}

test('of each fact the first file that knows it counts, and the smallest prefix of all', async (t) => {
  const geo = await GeoFiles.open(files(t))
  assert.deepEqual(geo.find('1.2.200.1'), {
    country: 'CN',
    region: 'CN-GD',
    continent: 'AS',
    asn: 4_134,
    bits: 17,
  })
  assert.deepEqual(geo.find('1.2.3.4'), {
    country: 'CN',
    region: 'CN-GD',
    continent: 'AS',
    asn: null,
    bits: 24,
  })
  assert.deepEqual(geo.find('9.9.9.9'), { country: 'BR', region: null, continent: 'SA', asn: null, bits: 8 })
  const nothing = geo.find('100.64.0.1')
  assert.deepEqual(
    { ...nothing, bits: 0 },
    { country: null, region: null, continent: null, asn: null, bits: 0 },
  )
  assert.equal(geo.find('2001:db8:0:0:0:0:0:1').bits, 0)
})

test('a file that is damaged within knows nothing, and stops nobody', async (t) => {
  const path = join(tempDir(t), 'damaged.mmdb')
  // The tree is whole; what it points to is not.
  writeFileSync(
    path,
    Buffer.from(nested).fill(0xff, nested.indexOf('country') - 3, nested.indexOf('country')),
  )
  const geo = await GeoFiles.open([path])
  assert.equal(geo.find('1.2.3.4').country, null)
})

const sites = `    east: { addresses: [192.0.2.1], regions: [CN-GD] }
    west: { addresses: [192.0.2.2], asns: [4134], countries: [CN] }
    north: { addresses: [192.0.2.3], continents: [EU, SA], networks: [1.2.9.0/24] }`

test('a written network counts more than a carrier, that more than a region, a country, a continent', async (t) => {
  const written = source({ sites }).gslb.sites
  const places = new ClientPlaces(written, await GeoFiles.open(files(t)))
  const nearness = (ip: string): readonly number[] => places.place(ipBytes(ip)!).nearness
  assert.deepEqual(nearness('1.2.200.1'), [4, 10, 0])
  assert.deepEqual(nearness('1.2.3.4'), [4, 2, 0])
  assert.deepEqual(nearness('1.2.9.9'), [4, 2, 16])
  assert.deepEqual(nearness('9.9.9.9'), [0, 0, 1])
  assert.equal(places.place(ipBytes('1.2.9.9')!).bits, 24)
  assert.equal(places.place(ipBytes('1.2.9.9')!).network, '1.2.9.0/24')
})

test('what a client gets, and why, is explained', async (t) => {
  const [first = '', second = '', third = ''] = files(t)
  const { gslb, sites: states } = await testGslb(t, {
    gslb: `  geo: [${first}, ${second}, ${third}]`,
    sites: sites.replace(/\n.*north:.*/, ''),
    zone: '      names: { api: { services: [shop], policy: nearest } }',
  })
  const near = gslb.explain('API.shop.example.', '1.2.200.1')!
  assert.deepEqual(near.sites, ['west'])
  assert.deepEqual(near.place, { network: null, country: 'CN', region: 'CN-GD', continent: 'AS', asn: 4_134 })
  assert.equal(near.scope, 17)
  assert.equal(near.why, 'Of east, west the nearest is west.')
  assert.equal(
    gslb.explain('api.shop.example', '5.5.5.5')!.why,
    'Of east, west equally near are east, west: by weight, the same for its network for 600 s.',
  )
  states.set('west', 'down')
  assert.equal(gslb.explain('api.shop.example', '1.2.200.1')!.why, 'Only east can be answered with.')
  assert.equal(gslb.explain('shop.example', '1.2.200.1'), undefined)
})
