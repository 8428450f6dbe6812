import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderEdit } from '@budao/model'
import { HeadersFilter } from './headers.ts'
import { TestRequest, TestResponse } from './test-exchange.test.ts'

const edit = (given: Partial<HeaderEdit>): HeaderEdit => ({ set: {}, add: {}, remove: [], ...given })
const nothing = edit({})

test('headers are removed and set on the way to the service', () => {
  const filter = new HeadersFilter({
    request: edit({ set: { 'X-Site': 'east', 'X-City': '北京' }, remove: ['X-Debug', 'x-absent', 'X-Site'] }),
    response: nothing,
  })
  const request = new TestRequest({ headers: { 'x-debug': '1', 'x-site': 'forged', accept: '*/*' } })
  filter.onRequest(request)
  const city = Buffer.from('北京').toString('latin1')
  assert.deepEqual(request.headers, { accept: '*/*', 'x-site': 'east', 'x-city': city })
})

test('headers are removed and set on the way to the client', () => {
  const filter = new HeadersFilter({
    request: nothing,
    response: edit({ set: { 'X-Frame-Options': 'DENY' }, remove: ['Server'] }),
  })
  const response = new TestResponse(200, { Server: 'x', 'Content-Type': 'text/plain' })
  filter.onResponse(new TestRequest(), response)
  assert.deepEqual(response.headers, { 'content-type': 'text/plain', 'x-frame-options': 'DENY' })
})

test('a header is added behind those there are, and set before', () => {
  const filter = new HeadersFilter({
    request: edit({ set: { 'X-A': '1' }, add: { 'x-a': '2', 'X-B': '北' } }),
    response: edit({ add: { 'Set-Cookie': 'b=2' } }),
  })
  const request = new TestRequest({ headers: { 'x-a': '0', 'x-b': '1' } })
  filter.onRequest(request)
  assert.deepEqual(request.headers, { 'x-a': '1, 2', 'x-b': `1, ${Buffer.from('北').toString('latin1')}` })
  const response = new TestResponse(200, { 'Set-Cookie': 'a=1' })
  filter.onResponse(request, response)
  assert.equal(response.header('set-cookie'), 'a=1, b=2')
})

for (const name of [
  'Connection',
  'Content-Length',
  'HOST',
  'Transfer-Encoding',
  'upgrade',
  'TE',
  'keep-alive',
  'Trailer',
]) {
  test(`${name} cannot be edited in either direction`, () => {
    const problem = new RegExp(`filter headers, \\w+: ${name} is kept by the gateway`)
    for (const wrong of [
      edit({ set: { [name]: 'x' } }),
      edit({ add: { [name]: 'x' } }),
      edit({ remove: [name] }),
    ]) {
      assert.throws(() => new HeadersFilter({ request: wrong, response: nothing }), problem)
      assert.throws(() => new HeadersFilter({ request: nothing, response: wrong }), problem)
    }
  })
}

for (const [name, value] of [
  ['X A', 'x'],
  ['', 'x'],
  ['X\r\nY', 'x'],
  ['X', 'a\r\nY: b'],
  ['X', 'a\0'],
] as const) {
  test(`${JSON.stringify(name)}: ${JSON.stringify(value)} is refused`, () => {
    assert.throws(
      () => new HeadersFilter({ request: edit({ set: { [name]: value } }), response: nothing }),
      RangeError,
    )
  })
}
