import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, isLiteral, isLoopback, parseAddress, srvName } from './config-address.ts'

const addresses: [text: string, host?: string, port?: number][] = [
  ['127.0.0.1:8080', '127.0.0.1', 8080],
  ['shop.example:0', 'shop.example', 0],
  ['[::1]:65535', '::1', 65_535],
  ['::1:80'],
  ['[::1]'],
  ['shop.example'],
  ['shop.example:65536'],
  [':80'],
  ['http://shop.example:80'],
  ['a b:80'],
  ['shop.example:80/'],
]
for (const [text, host, port] of addresses) {
  test(`${text} -> ${host === undefined ? 'no address' : `${host} ${port}`}`, () => {
    assert.deepEqual(parseAddress(text), host === undefined ? undefined : { host, port })
  })
}

const hosts: [host: string, loopback: boolean][] = [
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
]
for (const [host, loopback] of hosts) {
  test(`${host} is ${loopback ? '' : 'not '}loopback`, () => assert.equal(isLoopback(host), loopback))
}

const names: [text: string, name: string | undefined][] = [
  ['srv:_shop._tcp.internal', '_shop._tcp.internal'],
  ['srv:shop', 'shop'],
  ['srv:', undefined],
  ['srv:shop:80', undefined],
  ['srv:a b', undefined],
  ['shop.internal:80', undefined],
]
for (const [text, name] of names) {
  test(`${text} names ${name ?? 'no service'}`, () => assert.equal(srvName(text), name))
}

test('a literal host is an address, anything else a name', () => {
  assert.deepEqual(['10.0.0.1', '::1', 'shop.internal', '10.0.0.1.internal'].map(isLiteral), [
    true,
    true,
    false,
    false,
  ])
  assert.equal(formatAddress({ host: '::1', port: 80 }), '[::1]:80')
})
