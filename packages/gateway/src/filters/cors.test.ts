import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CorsConfig } from '@budao/model'
import * as fc from 'fast-check'
import { CorsFilter } from './cors.ts'
import { TestRequest, TestResponse } from './test-exchange.test.ts'

const shop = 'https://shop.example'

function cors(config: Partial<CorsConfig> = {}): CorsFilter {
  return new CorsFilter({
    origins: [shop, 'https://*.shop.example', 'http://localhost:5173'],
    methods: ['GET', 'POST'],
    headers: [],
    credentials: false,
    maxAge: 600_000,
    ...config,
  })
}

function preflight(origin: string, more: Record<string, string> = {}): TestRequest {
  return new TestRequest({
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', ...more },
  })
}

function answered(
  filter: CorsFilter,
  origin: string | undefined,
  headers: Record<string, string> = {},
): Record<string, string> {
  const response = new TestResponse(200, headers)
  filter.onResponse(new TestRequest(origin === undefined ? {} : { headers: { origin } }), response)
  return response.headers
}

test('a preflight is answered 204 with what may be sent', () => {
  const filter = cors({ credentials: true })
  const reply = filter.onRequest(preflight(shop, { 'access-control-request-headers': 'x-a, X-B' }))
  assert.deepEqual(reply, {
    status: 204,
    headers: [
      ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
      ['Access-Control-Allow-Origin', shop],
      ['Access-Control-Allow-Credentials', 'true'],
      ['Access-Control-Allow-Methods', 'GET, POST'],
      ['Access-Control-Max-Age', '600'],
      ['Access-Control-Allow-Headers', 'x-a, X-B'],
    ],
    body: '',
  })
})

test('a preflight from elsewhere is answered 204 without permission', () => {
  const reply = cors().onRequest(preflight('https://evil.example'))
  assert.deepEqual(
    reply?.headers.map(([name]) => name),
    ['Vary'],
  )
})

test('configured request headers are named instead of those asked for', () => {
  const reply = cors({ headers: ['X-Token'] }).onRequest(
    preflight(shop, { 'access-control-request-headers': 'x-a' }),
  )
  assert.equal(new Map(reply?.headers).get('Access-Control-Allow-Headers'), 'X-Token')
})

test('an OPTIONS request that is no preflight goes on', () => {
  const filter = cors()
  assert.equal(filter.onRequest(new TestRequest({ method: 'OPTIONS' })), undefined)
  assert.equal(filter.onRequest(new TestRequest({ method: 'OPTIONS', headers: { origin: shop } })), undefined)
  assert.equal(filter.onRequest(new TestRequest({ headers: { origin: shop } })), undefined)
})

const origins: [origin: string, allowed: boolean][] = [
  [shop, true],
  ['https://a.shop.example', true],
  ['https://a.b.shop.example', true],
  ['http://localhost:5173', true],
  ['http://localhost:5174', false],
  ['http://shop.example', false],
  ['https://shop.example:444', false],
  ['https://evilshop.example', false],
  ['https://.shop.example', false],
  ['https://evil.example/.shop.example', false],
  ['https://evil.example#.shop.example', false],
  ['https://shop.example.evil.example', false],
  ['null', false],
  ['*', false],
  ['', false],
]
for (const [origin, allowed] of origins) {
  test(`origin ${JSON.stringify(origin)} is ${allowed ? '' : 'not '}allowed`, () => {
    const headers = answered(cors({ credentials: true }), origin)
    assert.deepEqual(
      headers,
      allowed
        ? {
            'access-control-allow-origin': origin,
            vary: 'Origin',
            'access-control-allow-credentials': 'true',
          }
        : { vary: 'Origin' },
    )
  })
}

test('what the service says of CORS is replaced', () => {
  const said = { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' }
  assert.deepEqual(answered(cors(), 'https://evil.example', said), { vary: 'Origin' })
  assert.equal(answered(cors(), shop, said)['access-control-allow-origin'], shop)
})

const varies: [before: string, after: string][] = [
  ['', 'Origin'],
  ['Accept', 'Accept, Origin'],
  ['Accept, origin', 'Accept, origin'],
  ['*', '*'],
  ['X-Origin', 'X-Origin, Origin'],
]
for (const [before, after] of varies) {
  test(`Vary ${JSON.stringify(before)} becomes ${JSON.stringify(after)}, with and without an origin`, () => {
    assert.equal(answered(cors(), shop, { vary: before })['vary'], after)
    assert.equal(answered(cors(), undefined, { vary: before })['vary'], after)
  })
}

test('with "*" every origin may read, and answers are the same for all', () => {
  const filter = cors({ origins: ['*'] })
  for (const origin of [undefined, shop, 'null']) {
    assert.deepEqual(answered(filter, origin), { 'access-control-allow-origin': '*' })
  }
  assert.equal(new Map(filter.onRequest(preflight(shop))?.headers).get('Access-Control-Allow-Origin'), '*')
})

test('"*" with credentials is refused', () => {
  assert.throws(
    () => cors({ origins: ['*', shop], credentials: true }),
    /filter cors: expected a list of origins/,
  )
})

test('no header of a client makes it throw, or write a header that no line can hold', () => {
  const value = fc
    .uint8Array()
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte > 0x1f && byte !== 0x7f)).toString('latin1'))
  fc.assert(
    fc.property(fc.oneof(value, fc.constant(shop)), value, value, (origin, method, headers) => {
      const request = preflight(origin, {
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      })
      for (const allowed of [['*'], [shop, 'https://*.x']]) {
        const filter = cors({ origins: allowed })
        for (const [, written] of filter.onRequest(request)?.headers ?? [])
          assert.match(written, /^[\t\x20-\x7e]*$/)
        filter.onResponse(request, new TestResponse())
      }
    }),
  )
})
