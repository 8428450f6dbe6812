import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PrefixTable } from './prefix-table.ts'

const ip = (text: string): Uint8Array => Uint8Array.from(text.split('.'), Number)

test('the longest prefix wins, and says how many bits were looked at', () => {
  const table = new PrefixTable()
  assert.ok(table.add(ip('10.0.0.0'), 8, 1))
  assert.ok(table.add(ip('10.1.0.0'), 16, 2))
  assert.equal(table.add(ip('10.1.0.0'), 16, 3), false)
  assert.deepEqual({ ...table.find(ip('10.1.2.3')) }, { value: 2, length: 16, bits: 16 })
  assert.deepEqual({ ...table.find(ip('10.128.0.1')) }, { value: 1, length: 8, bits: 9 })
  assert.deepEqual({ ...table.find(ip('192.0.2.1')) }, { value: -1, length: 0, bits: 1 })
  assert.deepEqual({ ...new PrefixTable().find(ip('10.0.0.1')) }, { value: -1, length: 0, bits: 0 })
})

test('a prefix of no bits is everybody, one of all bits a single address', () => {
  const table = new PrefixTable()
  table.add(ip('0.0.0.0'), 0, 7)
  table.add(ip('203.0.113.9'), 32, 8)
  assert.deepEqual({ ...table.find(ip('203.0.113.9')) }, { value: 8, length: 32, bits: 32 })
  assert.deepEqual({ ...table.find(ip('203.0.113.8')) }, { value: 7, length: 0, bits: 32 })
  assert.deepEqual({ ...table.find(ip('1.1.1.1')) }, { value: 7, length: 0, bits: 1 })
})

const bytes = fc.uint8Array({ minLength: 2, maxLength: 2 })
const network = fc.tuple(bytes, fc.integer({ min: 0, max: 16 }))

function holds(address: Uint8Array, prefix: Uint8Array, length: number): boolean {
  const bitsOf = (of: Uint8Array): string => [...of].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return bitsOf(address).slice(0, length) === bitsOf(prefix).slice(0, length)
}

test('it finds what a search through all of them finds', () => {
  fc.assert(
    fc.property(fc.array(network, { maxLength: 40 }), bytes, (networks, address) => {
      const table = new PrefixTable()
      let [best, length] = [-1, -1]
      for (const [index, [prefix, bits]] of networks.entries()) {
        table.add(prefix, bits, index)
        if (holds(address, prefix, bits) && bits > length) [best, length] = [index, bits]
      }
      assert.equal(table.find(address).value, best)
    }),
  )
})

test('within the bits it looked at, every address finds the same', () => {
  fc.assert(
    fc.property(fc.array(network, { maxLength: 40 }), bytes, bytes, (networks, address, other) => {
      const table = new PrefixTable()
      for (const [index, [prefix, bits]] of networks.entries()) table.add(prefix, bits, index)
      const { value, bits } = { ...table.find(address) }
      if (holds(other, address, bits)) assert.equal(table.find(other).value, value)
      // Its first bits, and others behind them.
      const near = other.map((byte, at) => {
        const kept = Math.max(0, Math.min(8, bits - at * 8))
        const mask = (0xff << (8 - kept)) & 0xff
        return (address[at]! & mask) | (byte & ~mask & 0xff)
      })
      assert.equal(table.find(near).value, value)
    }),
  )
})
