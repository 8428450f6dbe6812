import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RateLimitConfig } from '@budao/model'
import { SharedCells } from '@budao/resilience'
import * as fc from 'fast-check'
import type { Filter, FilterEnv, Reply } from './filter.ts'
import { rateLimitCells, RateLimitFilter } from './rate-limit.ts'
import { testEnv, TestRequest } from './test-exchange.test.ts'

const limit: RateLimitConfig = {
  key: ['ip'],
  requests: 2,
  per: 1_000,
  burst: 2,
  keysMax: 64,
  onStoreFailure: 'local',
  headers: false,
}

function envFor(config: RateLimitConfig): FilterEnv {
  const length = rateLimitCells(config)
  return testEnv('/', { cells: new SharedCells(new Int32Array(new SharedArrayBuffer(length * 4))) })
}

/** How many of `requests` are admitted. */
function admitted(filter: Filter, requests: readonly Partial<TestRequest>[]): number {
  return requests.filter((fields) => filter.onRequest!(new TestRequest(fields)) === undefined).length
}

test('who asks too often is answered 429 and told when to come again', () => {
  const filter = new RateLimitFilter(limit, envFor(limit))
  assert.equal(admitted(filter, [{}, {}]), 2)
  const reply = filter.onRequest(new TestRequest()) as Reply
  assert.equal(reply?.status, 429)
  assert.equal(new Map(reply.headers).get('Retry-After'), '1')
  assert.equal(new Map(reply.headers).get('Content-Type'), 'application/json')
  assert.deepEqual(JSON.parse(reply.body), {
    error: 'rate_limited',
    message: 'More than 2 requests in 1000 ms; try again in 1 s.',
    retryAfter: 1,
  })
})

test('who waits as long as told is admitted', () => {
  const config: RateLimitConfig = { ...limit, requests: 3, per: 10_000, burst: 1 }
  const filter = new RateLimitFilter(config, envFor(config))
  assert.equal(admitted(filter, [{}]), 1)
  const reply = filter.onRequest(new TestRequest({ now: 100 })) as Reply
  assert.equal(new Map(reply?.headers).get('Retry-After'), '4')
  assert.equal(admitted(filter, [{ now: 4_100 }]), 1)
})

test('two workers with the same cells are one limit', () => {
  const env = envFor(limit)
  const workers = [new RateLimitFilter(limit, env), new RateLimitFilter(limit, env)]
  assert.equal(
    workers.reduce((sum, worker) => sum + admitted(worker, [{}, {}]), 0),
    2,
  )
})

const from = (clientIp: string, headers: Record<string, string> = {}): Partial<TestRequest> => ({
  clientIp,
  headers,
})
const keys: [what: string, key: string, requests: Partial<TestRequest>[], admitted: number][] = [
  ['each address has its own limit', 'ip', [from('192.0.2.1'), from('192.0.2.2'), from('192.0.2.3')], 3],
  [
    'addresses of one IPv6 /64 share one',
    'ip',
    [from('2001:db8::1'), from('2001:db8::2'), from('2001:db8::3')],
    2,
  ],
  ['a route’s clients share one', 'route', [from('192.0.2.1'), from('192.0.2.2'), from('192.0.2.3')], 2],
  [
    'a header decides, its name in any case, not the address',
    'header:X-User',
    [
      from('192.0.2.1', { 'X-User': 'a' }),
      from('192.0.2.2', { 'X-User': 'a' }),
      from('192.0.2.3', { 'X-User': 'a' }),
    ],
    2,
  ],
  [
    'who leaves the header out is counted by address',
    'header:X-User',
    [from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.2')],
    3,
  ],
  [
    'a header that says somebody’s address does not use up their limit',
    'header:X-User',
    [
      from('192.0.2.9', { 'X-User': '192.0.2.1' }),
      from('192.0.2.9', { 'X-User': '192.0.2.1' }),
      from('192.0.2.1'),
    ],
    3,
  ],
  [
    'a claim of a verified token decides',
    'claim:sub',
    [
      { clientIp: 'a', claims: { sub: 'u1' } },
      { clientIp: 'b', claims: { sub: 'u1' } },
      { clientIp: 'c', claims: { sub: 'u1' } },
      { clientIp: 'd', claims: { sub: 'u2' } },
      { clientIp: 'e', claims: {} },
    ],
    4,
  ],
  [
    'the claim openid comes before the header, which only a trusted peer may send',
    'openid',
    [
      { clientIp: 'a', claims: { openid: 'o1' }, peerTrusted: true, headers: { 'x-wx-openid': '1' } },
      { clientIp: 'a', claims: { openid: 'o1' }, peerTrusted: true, headers: { 'x-wx-openid': '2' } },
      { clientIp: 'a', claims: { openid: 'o1' }, peerTrusted: true, headers: { 'x-wx-openid': '3' } },
      { clientIp: 'b', peerTrusted: true, headers: { 'x-wx-openid': '1' } },
      { clientIp: 'c', headers: { 'x-wx-openid': '4' } },
      { clientIp: 'c', headers: { 'x-wx-openid': '5' } },
      { clientIp: 'c', headers: { 'x-wx-openid': '6' } },
    ],
    5,
  ],
  [
    'several parts together',
    'ip+header:X-User',
    [
      from('192.0.2.1', { 'X-User': 'a' }),
      from('192.0.2.1', { 'X-User': 'b' }),
      from('192.0.2.2', { 'X-User': 'a' }),
      from('192.0.2.1', { 'X-User': 'a' }),
      from('192.0.2.1', { 'X-User': 'a' }),
    ],
    4,
  ],
  [
    'a cookie decides',
    'cookie:sid',
    [
      from('a', { cookie: 'x=1; sid=s' }),
      from('b', { cookie: 'sid=s' }),
      from('c', { cookie: 'sid=s; y=2' }),
    ],
    2,
  ],
]
for (const [what, key, requests, expected] of keys) {
  test(what, () => {
    const config = { ...limit, key: key.split('+') }
    assert.equal(admitted(new RateLimitFilter(config, envFor(config)), requests), expected)
  })
}

test('no header, cookie or address makes it throw', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array).toString('latin1'))
  const filters = ['ip', 'header:X-User', 'cookie:sid'].map(
    (key) => new RateLimitFilter({ ...limit, key: [key] }, envFor(limit)),
  )
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.nat(), (clientIp, cookie, user, now) => {
      const request = new TestRequest({ clientIp, now, headers: { cookie, 'x-user': user } })
      for (const filter of filters) {
        const reply = filter.onRequest(request) as Reply | undefined
        if (reply !== undefined) assert.match(new Map(reply.headers).get('Retry-After') ?? '', /^[1-9]\d*$/)
      }
    }),
  )
})
