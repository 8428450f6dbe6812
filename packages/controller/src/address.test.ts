import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, hostName, isLoopback, parseAddress } from './address.ts'

const good: [text: string, host: string, port: number][] = [
  ['127.0.0.1:9900', '127.0.0.1', 9900],
  ['localhost:0', 'localhost', 0],
  ['[::1]:9900', '::1', 9900],
  [':9900', '::', 9900],
  ['0.0.0.0:65535', '0.0.0.0', 65_535],
]
for (const [text, host, port] of good) {
  test(`${text} is ${host} and ${port}`, () => assert.deepEqual(parseAddress(text), { host, port }))
}

for (const text of [
  '',
  '9900',
  '127.0.0.1',
  '127.0.0.1:',
  '::1:9900',
  '[nonsense]:1',
  'a:70000',
  'a:-1',
  'http://a:1',
]) {
  test(`${JSON.stringify(text)} is no address`, () => {
    assert.throws(() => parseAddress(text), { name: 'ControllerError', code: 'ADMIN_ADDRESS_INVALID' })
  })
}

test('an address is written as URLs need it', () => {
  assert.equal(formatAddress({ host: '::1', port: 1 }), '[::1]:1')
  assert.equal(formatAddress({ host: '10.0.0.1', port: 1 }), '10.0.0.1:1')
})

const hosts: [header: string | undefined, name: string | null, loopback: boolean][] = [
  ['127.0.0.1:9900', '127.0.0.1', true],
  ['127.9.9.9', '127.9.9.9', true],
  ['localhost', 'localhost', true],
  ['LOCALHOST:1', 'LOCALHOST', true],
  ['[::1]:9900', '::1', true],
  ['0.0.0.0:9900', '0.0.0.0', false],
  ['evil.example', 'evil.example', false],
  ['127.0.0.1.evil.example:9900', '127.0.0.1.evil.example', false],
  ['127.evil.example', '127.evil.example', false],
  ['localhost.evil.example', 'localhost.evil.example', false],
  ['notlocalhost', 'notlocalhost', false],
  ['[::ffff:10.0.0.1]', '::ffff:10.0.0.1', false],
  ['evil.example@127.0.0.1', null, false],
  ['', null, false],
  [undefined, null, false],
]
for (const [header, name, loopback] of hosts) {
  test(`Host ${String(header)} names ${String(name)}, ${loopback ? 'this machine' : 'not surely this machine'}`, () => {
    assert.equal(hostName(header), name)
    assert.equal(isLoopback(name ?? ''), loopback)
  })
}
