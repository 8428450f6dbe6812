import assert from 'node:assert/strict'
import { isIPv6, SocketAddress } from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { clientNetwork } from './client-network.ts'

const table: [address: string, network: string][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1:2:3::192.0.2.1', '1:2:3:0::/64'],
  ['', ''],
  ['unknown', 'unknown'],
]
for (const [address, network] of table) {
  test(`${JSON.stringify(address)} is of ${JSON.stringify(network)}`, () =>
    assert.equal(clientNetwork(address), network))
}

test('however an IPv6 address is written, the first four groups are its network', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const long = groups.map((each) => each.toString(16)).join(':')
      const short = new SocketAddress({ address: long, family: 'ipv6' }).address
      assert.ok(isIPv6(short))
      // Written short, an address that holds an IPv4 one is that one.
      if (short.startsWith('::ffff:') && short.includes('.')) return
      assert.equal(clientNetwork(short), clientNetwork(long))
      assert.equal(
        clientNetwork(long),
        `${groups
          .slice(0, 4)
          .map((each) => each.toString(16))
          .join(':')}::/64`,
      )
    }),
  )
})

test('no text makes it throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void clientNetwork(text)))
})
