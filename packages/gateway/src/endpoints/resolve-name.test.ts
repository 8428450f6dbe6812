import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DnsConfig } from '@budao/model'
import { dnsServer, tempDir, type DnsBehaviour, type DnsServer } from '@budao/testkit'
import { hostsAddresses } from './hosts-file.ts'
import { ResolveError, resolveName } from './resolve-name.ts'

function asking(server: DnsServer, changes: Partial<DnsConfig> = {}): DnsConfig {
  return {
    servers: [server.address],
    family: 'prefer-ipv4',
    timeout: 5_000,
    ttlMin: 1_000,
    ttlMax: 60_000,
    addressesMax: 64,
    ...changes,
  }
}

const zone = {
  'both.internal': { a: ['10.0.0.2', '10.0.0.1'], aaaa: ['fd00::1'], ttl: 30 },
  'four.internal': { a: ['10.0.0.4'], ttl: 0 },
  'six.internal': { aaaa: ['fd00::6'], ttl: 7 },
  'many.internal': { a: Array.from({ length: 9 }, (_, n) => `10.0.1.${n}`) },
  'empty.internal': {},
}

const families: [name: string, family: DnsConfig['family'], expected: string[] | RegExp][] = [
  ['both.internal', 'prefer-ipv4', ['10.0.0.1', '10.0.0.2']],
  ['both.internal', 'ipv4', ['10.0.0.1', '10.0.0.2']],
  ['both.internal', 'ipv6', ['fd00::1']],
  ['both.internal', 'both', ['10.0.0.1', '10.0.0.2', 'fd00::1']],
  ['four.internal', 'both', ['10.0.0.4']],
  ['four.internal', 'ipv6', /no addresses/],
  ['six.internal', 'prefer-ipv4', ['fd00::6']],
  ['six.internal', 'ipv4', /no addresses/],
  ['empty.internal', 'both', /no addresses/],
  ['missing.internal', 'prefer-ipv4', /NXDOMAIN/],
]
for (const [name, family, expected] of families) {
  test(`${name} with ${family}: ${String(expected)}`, async (t) => {
    const config = asking(await dnsServer(t, zone), { family })
    if (expected instanceof RegExp) {
      return assert.rejects(resolveName(name, config), {
        name: 'ResolveError',
        message: expected,
        missing: true,
      })
    }
    const { addresses } = await resolveName(name, config)
    assert.deepEqual(
      addresses.map(({ host }) => host),
      expected,
    )
    assert.ok(addresses.every(({ port, share, rank }) => port === null && share === 1 && rank === 0))
  })
}

test('the shortest time to live of the records counts, none included', async (t) => {
  const server = await dnsServer(t, zone)
  assert.equal((await resolveName('both.internal', asking(server))).ttlMs, 30_000)
  assert.equal((await resolveName('four.internal', asking(server))).ttlMs, 0)
})

test('a name stands for no more endpoints than allowed', async (t) => {
  const { addresses } = await resolveName(
    'many.internal',
    asking(await dnsServer(t, zone), { addressesMax: 4 }),
  )
  assert.equal(addresses.length, 4)
})

const failures: [behaviour: DnsBehaviour, problem: RegExp, missing: boolean][] = [
  ['silent', /no answer within 300 ms|no server answered/, false],
  ['garbage', /no answer within 300 ms|malformed|no server answered/, false],
  ['servfail', /SERVFAIL/, false],
  ['refused', /REFUSED/, false],
  ['nxdomain', /NXDOMAIN/, true],
  ['empty', /no addresses/, true],
  ['cut-off', /./, false],
]
for (const [behaviour, problem, missing] of failures) {
  test(`a server that is ${behaviour} fails the resolution, within its time`, async (t) => {
    const server = await dnsServer(t, zone)
    server.behaviour = behaviour
    const config = asking(server, { timeout: 300 })
    await assert.rejects(resolveName('both.internal', config), (error) => {
      assert.ok(error instanceof ResolveError)
      assert.match(error.message, problem)
      assert.equal(error.missing, missing)
      return true
    })
  })
}

test('a truncated answer is asked for again over TCP', async (t) => {
  const server = await dnsServer(t, zone)
  server.behaviour = 'truncated'
  assert.equal((await resolveName('many.internal', asking(server))).addresses.length, 9)
  assert.ok(server.overTcp > 0)
})

test('an SRV record gives ports, ranks by priority and shares by weight', async (t) => {
  const server = await dnsServer(t, {
    '_shop._tcp.internal': {
      srv: [
        { target: 'a.internal', port: 7001, priority: 10, weight: 30 },
        { target: 'b.internal', port: 7002, priority: 10, weight: 10 },
        { target: 'standby.internal', port: 7003, priority: 20, weight: 0 },
        { target: 'gone.internal', port: 7004, priority: 20, weight: 0 },
      ],
    },
    'a.internal': { a: ['10.0.0.1'] },
    'b.internal': { a: ['10.0.0.2', '10.0.0.3'] },
    'standby.internal': { a: ['10.0.0.9'] },
  })
  const { addresses } = await resolveName('srv:_shop._tcp.internal', asking(server))
  assert.deepEqual(addresses, [
    { host: '10.0.0.1', port: 7001, share: 1.5, rank: 0 },
    { host: '10.0.0.2', port: 7002, share: 0.25, rank: 0 },
    { host: '10.0.0.3', port: 7002, share: 0.25, rank: 0 },
    { host: '10.0.0.9', port: 7003, share: 1, rank: 1 },
  ])
})

test('a target of weight 0 keeps a very small share beside others', async (t) => {
  const target = (name: string, weight: number) => ({ target: name, port: 1, priority: 0, weight })
  const server = await dnsServer(t, {
    'x.internal': { srv: [target('a.internal', 100), target('b.internal', 0)] },
    'a.internal': { a: ['10.0.0.1'] },
    'b.internal': { a: ['10.0.0.2'] },
  })
  const { addresses } = await resolveName('srv:x.internal', asking(server))
  assert.ok(addresses[1]!.share > 0 && addresses[1]!.share < addresses[0]!.share / 50)
})

test('an SRV record that says the service is not offered has no addresses', async (t) => {
  const server = await dnsServer(t, {
    'x.internal': { srv: [{ target: '.', port: 0, priority: 0, weight: 0 }] },
  })
  await assert.rejects(resolveName('srv:x.internal', asking(server)), /not offered/)
})

test('the hosts file knows names in any case, and localhost is this machine without it', async (t) => {
  const file = join(tempDir(t), 'hosts')
  writeFileSync(
    file,
    '# comment\n10.1.1.1 Shop.internal shop # other.internal\n10.1.1.1 shop\n::1 shop\nbad shop\n',
  )
  assert.deepEqual(await hostsAddresses('SHOP', file), ['10.1.1.1', '::1'])
  assert.deepEqual(await hostsAddresses('shop.INTERNAL', file), ['10.1.1.1'])
  assert.deepEqual(await hostsAddresses('other.internal', file), [])
  assert.deepEqual(await hostsAddresses('localhost', join(file, 'missing')), ['127.0.0.1', '::1'])
})

test('without servers of its own the gateway finds localhost', async () => {
  const { servers: _, ...config } = asking({ address: '' } as DnsServer)
  const { addresses } = await resolveName('localhost', config)
  assert.deepEqual(
    addresses.map(({ host }) => host),
    ['127.0.0.1'],
  )
})
