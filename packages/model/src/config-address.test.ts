import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback, parseAddress } from './config-address.ts'

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
