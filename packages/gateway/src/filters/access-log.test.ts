import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { tempDir } from '@budao/testkit'
import * as fc from 'fast-check'
import { createAccessLogFilter } from './access-log.ts'
import type { ExchangeRecord } from './filter.ts'
import { testEnv, testRecord, TestRequest } from './test-exchange.test.ts'

/** Logs the exchanges and reads the file back, a line an entry. */
async function logged(
  t: TestContext,
  exchanges: readonly [TestRequest, ExchangeRecord][],
  wall?: number,
): Promise<string[]> {
  const dir = tempDir(t)
  const env = wall === undefined ? testEnv(dir) : testEnv(dir, { wallNow: () => wall })
  const filter = await createAccessLogFilter({ path: 'access.log', format: 'json' }, env)
  for (const [request, record] of exchanges) filter.onEnd?.(request, record)
  await filter.close?.()
  assert.deepEqual(env.warnings, [])
  const text = readFileSync(join(dir, 'access.log'), 'latin1')
  assert.match(text, /^(?:[\x20-\x7e]+\n)*$/)
  return text.split('\n').slice(0, -1)
}

test('a line says what happened', async (t) => {
  const request = new TestRequest({
    method: 'POST',
    path: '/api/orders',
    query: 'a=1',
    headers: { 'user-agent': 'wx "8.0"' },
  })
  const [line = ''] = await logged(t, [
    [request, testRecord({ status: 201, requestBytes: 12, durationMs: 12.345_67 })],
  ])
  assert.deepEqual(JSON.parse(line), {
    timestamp: '2026-11-05T08:00:00.123Z',
    'http.request.method': 'POST',
    'url.scheme': 'http',
    'server.address': 'shop.example',
    'url.path': '/api/orders',
    'url.query': 'a=1',
    'network.protocol.version': '1.1',
    'http.response.status_code': 201,
    'http.server.request.duration_ms': 12.346,
    'http.request.size': 12,
    'http.response.size': 200,
    'client.address': '192.0.2.1',
    'user_agent.original': 'wx "8.0"',
    'budao.request_id': 'req-1',
    'budao.route': 'shop',
    'budao.node': 'gw-1',
    'budao.endpoint': '127.0.0.1:7001',
    'budao.site': 'east',
    'budao.attempts': 1,
    'budao.answered_by': 'upstream',
  })
})

test('what is not known is left out; why the gateway answered is said', async (t) => {
  const record = testRecord({
    status: 503,
    endpoint: '',
    site: '',
    answeredBy: 'gateway',
    reason: 'no_endpoint',
  })
  const [line = ''] = await logged(t, [[new TestRequest(), record]])
  const entry = JSON.parse(line) as Record<string, unknown>
  assert.equal(entry['budao.reason'], 'no_endpoint')
  assert.ok(!('url.query' in entry) && !('user_agent.original' in entry))
})

test('times are ISO 8601 to the millisecond', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
      async (date) => {
        const [line = ''] = await logged(t, [[new TestRequest(), testRecord()]], date.getTime() + 0.4)
        assert.equal((JSON.parse(line) as { timestamp: string }).timestamp, date.toISOString())
      },
    ),
    { numRuns: 20 },
  )
})

test('whatever bytes a client sends, each exchange is one line that JSON.parse reads back', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array).toString('latin1'))
  const nasty = fc.oneof(
    bytes,
    fc.constantFrom('"}\n{"forged":true}', '\\', '\\"', '\r\n', '\0', '"', '\u00e5\u0095\u0086'),
  )
  const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -0, 1e21))
  const exchange = fc.tuple(fc.array(nasty, { minLength: 7, maxLength: 7 }), number)
  await fc.assert(
    fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 5 }), async (exchanges) => {
      const lines = await logged(
        t,
        exchanges.map(
          ([
            [method = '', path = '', query = '', agent = '', host = '', clientIp = '', requestId = ''],
            number1,
          ]) => [
            new TestRequest({
              method,
              path,
              query,
              host,
              clientIp,
              requestId,
              headers: { 'user-agent': agent },
            }),
            testRecord({
              status: number1,
              durationMs: number1,
              attempts: number1,
              reason: path,
              endpoint: host,
            }),
          ],
        ),
      )
      assert.equal(lines.length, exchanges.length)
      for (const [index, [[, path = '', , agent = '']]] of exchanges.entries()) {
        const entry = JSON.parse(lines[index] ?? '') as Record<string, string>
        assert.equal(entry['budao.reason'] ?? '', path)
        const asUtf8 = Buffer.from(agent, 'latin1').toString('utf8')
        assert.ok(entry['user_agent.original'] === agent || entry['user_agent.original'] === asUtf8)
        assert.ok(!('forged' in entry))
      }
    }),
    { numRuns: 50 },
  )
})

test('a file that cannot be opened is a problem of the configuration', async (t) => {
  await assert.rejects(
    createAccessLogFilter({ path: 'no/such/access.log', format: 'json' }, testEnv(tempDir(t))),
    /ENOENT.*access\.log/,
  )
})
