// What a shared cache may keep, against a library of the same purpose that shares no line with it.
import { strict as assert } from 'node:assert'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import { judgeAnswer, type AnswerFacts } from './store-rule.ts'

/** As much of http-cache-semantics, which has no types, as is asked here. */
interface Oracle {
  now(): number
  storable(): boolean
  /** Seconds. */
  maxAge(): number
}

const CachePolicy = createRequire(import.meta.url)('http-cache-semantics') as new (
  request: object,
  response: object,
  options: object,
) => Oracle

const at = Date.UTC(2026, 0, 1, 12)

const directive = fc.constantFrom(
  'private',
  'no-store',
  'no-cache',
  'public',
  'must-revalidate',
  'proxy-revalidate',
  'max-age=60',
  'max-age=0',
  's-maxage=60',
  's-maxage=0',
  'stale-if-error=60',
  'immutable',
  'unknown=1',
)

const exchanges = fc.record({
  status: fc.constantFrom(200, 203, 204, 206, 301, 302, 404, 410, 500, 501, 503),
  directives: fc.uniqueArray(directive, { maxLength: 4 }),
  more: fc.record(
    {
      expires: fc.constantFrom(new Date(at + 60_000).toUTCString(), new Date(at - 60_000).toUTCString(), '0'),
      vary: fc.constantFrom('*', 'accept-encoding', 'cookie', 'accept, *'),
      'set-cookie': fc.constant('session=1'),
      etag: fc.constant('"1"'),
      age: fc.constantFrom('0', '30', '90'),
      pragma: fc.constant('no-cache'),
    },
    { requiredKeys: [] },
  ),
  credentials: fc.constantFrom<AnswerFacts['credentials']>('none', 'authorization', 'other'),
  requestNoStore: fc.boolean(),
  ttlMs: fc.option(fc.constant(60_000), { nil: undefined }),
  defaultTtlMs: fc.option(fc.constant(60_000), { nil: undefined }),
  fallbackMs: fc.constantFrom<number>(0, 60_000),
})

type Exchange = typeof exchanges extends fc.Arbitrary<infer T> ? T : never

function headersOf({ directives, more }: Exchange): Record<string, string> {
  const control = directives.length === 0 ? {} : { 'cache-control': directives.join(', ') }
  return { date: new Date(at).toUTCString(), ...control, ...more }
}

function verdictOf(exchange: Exchange) {
  const headers = headersOf(exchange)
  const { status, credentials, requestNoStore, ttlMs, defaultTtlMs, fallbackMs } = exchange
  return judgeAnswer(
    {
      method: 'GET',
      status,
      credentials,
      requestNoStore,
      header: (name) => headers[name],
      requestedAt: at,
      receivedAt: at,
    },
    { ttlMs, defaultTtlMs, whileRevalidateMs: 0, ifErrorMs: 0, fallbackMs },
  )
}

test('whatever an operator configures, nothing is kept that is somebody’s own', () => {
  fc.assert(
    fc.property(exchanges, (exchange) => {
      if (typeof verdictOf(exchange) === 'string') return
      const { directives, more, credentials, requestNoStore, status } = exchange
      const says = (name: string): boolean => directives.some((each) => each.split('=')[0] === name)
      assert.ok(!says('private') && !says('no-store') && !requestNoStore)
      assert.ok(more['set-cookie'] === undefined && !(more.vary ?? '').includes('*'))
      assert.ok(status !== 206 && (status < 500 || status === 501))
      const forAll = says('public') || says('s-maxage')
      if (credentials === 'authorization') assert.ok(forAll || says('must-revalidate'))
      if (credentials === 'other') assert.ok(forAll)
    }),
    { numRuns: 5_000 },
  )
})

test('what the oracle would not keep is not kept; what it holds for stale is not fresh', () => {
  fc.assert(
    fc.property(exchanges, (wish) => {
      const exchange = { ...wish, ttlMs: undefined, defaultTtlMs: undefined, fallbackMs: 0 }
      const verdict = verdictOf(exchange)
      if (typeof verdict === 'string') return
      const { status, credentials, requestNoStore } = exchange
      const oracle = new CachePolicy(
        {
          method: 'GET',
          url: '/',
          headers: {
            host: 'shop.example',
            ...(credentials === 'authorization' ? { authorization: 'Bearer x' } : {}),
            ...(requestNoStore ? { 'cache-control': 'no-store' } : {}),
          },
        },
        { status, headers: headersOf(exchange) },
        { shared: true, cacheHeuristic: 0 },
      )
      oracle.now = () => at
      assert.ok(oracle.storable(), JSON.stringify(headersOf(exchange)))
      // It takes proxy-revalidate for "always", where RFC 9111 says "once stale"; immutable for a day; and Pragma in an
      // answer for no-cache, where RFC 9111 (5.4) gives it no meaning.
      const { age = '0', pragma } = exchange.more
      const differs =
        pragma !== undefined ||
        exchange.directives.some((each) => each === 'proxy-revalidate' || each === 'immutable')
      if (verdict.freshMs > 0 && !differs)
        assert.ok(oracle.maxAge() > Number(age), JSON.stringify(headersOf(exchange)))
    }),
    { numRuns: 5_000 },
  )
})
