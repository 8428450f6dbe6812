import assert from 'node:assert/strict'
import { isIP, BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { ipBytes, ipText, networkOf } from './ip.ts'

test('it reads what Node calls an address, and nothing else', () => {
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.stringMatching(/^[0-9a-f:.]{0,24}$/),
    fc.constantFrom(
      '::',
      '::1',
      '1.2.3',
      '1.2.3.4.5',
      '::ffff:1.2.3.4',
      '1::2::3',
      ':1',
      '1:',
      '',
      '1.2.3.4:',
      '12345::',
    ),
  )
  fc.assert(
    fc.property(text, (address) => {
      // Node refuses leading zeros in IPv4; what is asked here comes from the system or a configuration that has refused them.
      if (/(^|[.:])0\d+(\.|$)/.test(address) && address.includes('.')) return
      assert.equal(ipBytes(address) !== undefined, isIP(address) !== 0, address)
    }),
    { numRuns: 2_000 },
  )
})

test('written again it is the same address', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const bytes = ipBytes(address)!
      assert.deepEqual(ipBytes(ipText(bytes)), bytes)
      const list = new BlockList()
      list.addAddress(ipText(bytes), bytes.length === 4 ? 'ipv4' : 'ipv6')
      const plain = bytes.length === 4 && address.includes(':') ? ipText(bytes) : address
      assert.ok(list.check(plain, bytes.length === 4 ? 'ipv4' : 'ipv6'), address)
    }),
  )
})

test('networks, and IPv4 written as IPv6', () => {
  assert.deepEqual(networkOf('10.0.0.0/8'), { address: Uint8Array.of(10, 0, 0, 0), length: 8 })
  assert.equal(networkOf('10.0.0.1')?.length, 32)
  assert.equal(networkOf('2001:db8::/32')?.length, 32)
  assert.deepEqual(networkOf('::ffff:10.1.0.0/112'), { address: Uint8Array.of(10, 1, 0, 0), length: 16 })
  assert.equal(networkOf('::ffff:10.1.0.0/90'), undefined)
  assert.equal(networkOf('10.0.0.0/33'), undefined)
})
