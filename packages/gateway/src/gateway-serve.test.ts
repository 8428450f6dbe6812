import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rawExchange, type RawResponse } from '@budao/testkit'
import { requestText, testFiles, testGateway, until, type TestGateway } from './test-gateway.test.ts'

const pingRoute = { name: 'ping', match: [{ path: { exact: '/budao/v1/ping' } }], serve: { ping: {} } }

const call = {
  at: 1_795_000_000_123,
  method: 'GET',
  path: '/api/items/:id',
  status: 200,
  code: '',
  errno: 0,
  ms: 123,
  queueMs: 4,
  attempts: 2,
  channel: 'a.example.com',
  source: 'network',
  net: '4g',
  profile: {
    dns: 3,
    connect: 12,
    tls: 20,
    ttfb: 40.5,
    reused: true,
    protocol: 'h2',
    nativeRetries: 1,
  },
}
const batch = {
  v: 1,
  app: 'shop',
  appVersion: '1.2.3',
  sdk: '0.1.0',
  platform: 'weixin',
  session: 'abc',
  dropped: 3,
  calls: [
    call,
    { ...call, status: 0, code: 'timeout', source: 'network', channel: 'b.example.com' },
    {
      at: 1_795_000_000_123,
      method: 'POST',
      path: '/pay?card=1',
      status: 503,
      code: 'http',
      ms: 5,
      unknown: 1,
    },
  ],
  unknown: { a: 1 },
}

function telemetry(serve: object = {}): object {
  return {
    name: 'telemetry',
    match: [{ path: { exact: '/budao/v1/telemetry' } }],
    serve: { telemetry: serve },
  }
}

function post(gateway: TestGateway, value: unknown): Promise<RawResponse> {
  // Characters stand for bytes here.
  const text =
    typeof value === 'string' ? value : Buffer.from(JSON.stringify(value), 'utf8').toString('latin1')
  return gateway.request('POST /budao/v1/telemetry', ['Content-Type: application/json'], text)
}

async function gatewayWith(t: TestContext, ...routes: object[]): Promise<TestGateway> {
  return testGateway(t, { routes: routes as { name: string }[] })
}

async function twoWorkers(t: TestContext, ...routes: object[]): Promise<TestGateway> {
  return testGateway(t, { routes: routes as { name: string }[], workers: 2 })
}

function sample(gateway: TestGateway, line: string): number {
  const found = gateway.gateway
    .metrics()
    .split('\n')
    .find((each) => each.startsWith(`${line} `))
  return found === undefined ? 0 : Number(found.slice(line.length + 1))
}

const errorOf = ({ body }: RawResponse): { error: string; message: string } =>
  JSON.parse(body) as { error: string; message: string }

test('a ping is answered 204 and never kept; other methods are told which to use', async (t) => {
  const gateway = await gatewayWith(t, pingRoute)
  const here = await gateway.request('/budao/v1/ping')
  assert.equal(here.status, 204)
  assert.equal(here.body, '')
  assert.equal(here.header('cache-control'), 'no-store')
  assert.equal(here.header('content-length'), undefined)
  assert.equal((await gateway.request('HEAD /budao/v1/ping')).status, 204)
  const wrong = await gateway.request('POST /budao/v1/ping', [], '{}')
  assert.equal(wrong.status, 405)
  assert.equal(wrong.header('allow'), 'GET, HEAD')
  assert.equal(errorOf(wrong).message, 'This route answers GET, HEAD only.')
})

test('calls of apps are counted over all workers; what apps choose is no label', async (t) => {
  const gateway = await twoWorkers(t, telemetry({ channels: ['a.example.com'] }))
  for (let index = 0; index < 8; index++) {
    const response = await post(gateway, batch)
    assert.equal(response.status, 204, response.body)
    assert.equal(response.header('x-request-id') !== undefined, true)
  }
  const foreign = { ...call, channel: 'evil"\n.example', source: 'evil', code: 'evil', status: 0 }
  assert.equal((await post(gateway, { ...batch, platform: 'evil', calls: [foreign] })).status, 204)
  const counted: [line: string, value: number][] = [
    ['budao_sdk_batches_total{result="accepted"}', 9],
    ['budao_sdk_calls_total{platform="weixin",code="2xx"}', 8],
    ['budao_sdk_calls_total{platform="weixin",code="timeout"}', 8],
    ['budao_sdk_calls_total{platform="weixin",code="5xx"}', 8],
    ['budao_sdk_calls_total{platform="other",code="other"}', 1],
    ['budao_sdk_call_sources_total{source="network"}', 24],
    ['budao_sdk_call_sources_total{source="other"}', 1],
    ['budao_sdk_channel_calls_total{channel="a.example.com",result="answered"}', 8],
    ['budao_sdk_channel_calls_total{channel="other",result="failed"}', 8],
    ['budao_sdk_channel_calls_total{channel="other",result="answered"}', 8],
    ['budao_sdk_attempts_total', 42],
    ['budao_sdk_native_retries_total', 17],
    ['budao_sdk_dropped_total', 27],
    ['budao_sdk_call_duration_seconds_count', 25],
    ['budao_sdk_call_duration_seconds_bucket{le="0.005"}', 8],
    ['budao_sdk_call_queue_seconds_sum', 0.068],
  ]
  for (const [line, value] of counted) assert.equal(sample(gateway, line), value, line)
  assert.doesNotMatch(gateway.gateway.metrics(), /evil/)
})

test('a gateway that takes no telemetry has no counters of it', async (t) => {
  const gateway = await gatewayWith(t, pingRoute)
  assert.doesNotMatch(gateway.gateway.metrics(), /budao_sdk/)
})

test('calls are written one a line, without queries, also to a file that takes the place of one moved away', async (t) => {
  const dir = testFiles(t, {})
  const path = join(dir, 'sdk.ndjson')
  const gateway = await testGateway(
    t,
    { routes: [telemetry({ path: 'sdk.ndjson' }) as { name: string }] },
    dir,
  )
  assert.equal((await post(gateway, { ...batch, app: '店\u2028"' })).status, 204)
  const lines = (file: string): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean)
  await until('three lines', () => lines(path).length === 3)
  const [first, second, third] = lines(path).map((line) => JSON.parse(line) as Record<string, unknown>)
  const { 'budao.received_at': receivedAt, ...rest } = first!
  assert.equal(typeof receivedAt, 'string')
  assert.deepEqual(rest, {
    timestamp: new Date(call.at).toISOString(),
    'service.name': '店\u2028"',
    'service.version': '1.2.3',
    'telemetry.sdk.version': '0.1.0',
    'budao.platform': 'weixin',
    'session.id': 'abc',
    'budao.route': 'telemetry',
    'budao.node': 'gw-1',
    'http.request.method': 'GET',
    'url.path': '/api/items/:id',
    'http.response.status_code': 200,
    'http.client.request.duration_ms': 123,
    'budao.queue_ms': 4,
    'budao.attempts': 2,
    'server.address': 'a.example.com',
    'budao.source': 'network',
    'network.connection.type': '4g',
    'budao.dns_ms': 3,
    'budao.connect_ms': 12,
    'budao.tls_ms': 20,
    'budao.ttfb_ms': 40.5,
    'budao.reused': true,
    'network.protocol.name': 'h2',
    'budao.native_retries': 1,
  })
  assert.equal(second!['error.type'], 'timeout')
  assert.equal(third!['url.path'], '/pay')
  renameSync(path, `${path}.1`)
  await until('lines in a new file', async () => {
    await post(gateway, batch)
    try {
      return lines(path).length > 0
    } catch {
      return false
    }
  })
})

test('of calls that went well a share is written, of those that failed all', async (t) => {
  const dir = testFiles(t, {})
  const route = telemetry({ path: 'sdk.ndjson', sampleRatio: 0 }) as { name: string }
  const gateway = await testGateway(t, { routes: [route] }, dir)
  await post(gateway, batch)
  const text = (): string => readFileSync(join(dir, 'sdk.ndjson'), 'utf8')
  await until('the failed ones', () => text().split('\n').length === 3)
  assert.doesNotMatch(text(), /"http.response.status_code":200/)
})

const malformed: [what: string, body: unknown, message: RegExp][] = [
  ['no JSON', '{', /expected JSON in UTF-8/],
  ['no UTF-8', `{"v":1,"app":"\xff"}`, /expected JSON in UTF-8/],
  ['nothing', '', /expected JSON in UTF-8/],
  ['a list', [], /the body: .*expected object/],
  ['another version', { ...batch, v: 2 }, /v: .*expected 1/],
  ['no app', { ...batch, app: undefined }, /app: .*expected string/],
  [
    'too many calls',
    { ...batch, calls: Array.from({ length: 101 }, () => call) },
    /calls: expected at most 100, got 101/,
  ],
  [
    'a time beyond dates',
    { ...batch, calls: [call, { ...call, at: 1e300 }] },
    /calls\[1\]\.at: .*expected int/,
  ],
  ['a negative duration', { ...batch, calls: [{ ...call, ms: -1 }] }, /calls\[0\]\.ms: /],
  ['an endless name', { ...batch, app: 'x'.repeat(65) }, /app: .*<=64/],
]
test('a batch that is malformed is answered with what is wrong and where', async (t) => {
  const gateway = await gatewayWith(t, telemetry())
  for (const [what, body, message] of malformed) {
    const response = await post(gateway, body)
    assert.equal(response.status, 400, what)
    const { error, message: told } = errorOf(response)
    assert.equal(error, 'bad_body')
    assert.match(told, message, what)
  }
  assert.equal(sample(gateway, 'budao_sdk_batches_total{result="malformed"}'), malformed.length)
  assert.equal((await post(gateway, '{"v":1,"app":"a","calls":[],"__proto__":{"x":1}}')).status, 204)
})

test('a batch that is too large is refused by its announcement, and when it does not announce itself', async (t) => {
  const gateway = await gatewayWith(t, telemetry({ bytes: 1024 }))
  const announced = await gateway.request('POST /budao/v1/telemetry', [], 'x'.repeat(1_025))
  assert.equal(announced.status, 413)
  assert.equal(errorOf(announced).error, 'body_too_large')
  const chunks = `400\r\n${'x'.repeat(1_024)}\r\n1\r\nx\r\n`
  const head = requestText('POST /budao/v1/telemetry', ['Transfer-Encoding: chunked'])
  const chunked = await rawExchange(t, gateway.port, head + chunks)
  assert.equal(chunked.status, 413)
})

test('a body may come in chunks, byte by byte, and behind another request', async (t) => {
  const gateway = await gatewayWith(t, telemetry(), pingRoute)
  const body = JSON.stringify(batch)
  const client = await gateway.connect()
  const head = requestText('POST /budao/v1/telemetry', ['Transfer-Encoding: chunked'])
  client.send(requestText('/budao/v1/ping') + head)
  for (let at = 0; at < body.length; at += 100) {
    const part = body.slice(at, at + 100)
    client.send(`${part.length.toString(16)}\r\n${part}\r\n`)
    await new Promise(setImmediate)
  }
  client.send(`0\r\n\r\n${requestText('/budao/v1/ping')}`)
  for (const status of [204, 204, 204]) assert.equal((await client.readResponse()).status, status)
  assert.equal(sample(gateway, 'budao_sdk_batches_total{result="accepted"}'), 1)
})

test('streams of HTTP/2 are answered beside each other, bodies in as many frames as it takes', async (t) => {
  const listener = { protocols: ['h2', 'http/1.1'] }
  const gateway = await testGateway(t, { routes: [telemetry() as { name: string }], listener })
  const session = connect(`http://127.0.0.1:${gateway.port}`)
  t.after(() => session.destroy())
  const text = JSON.stringify(batch)
  const statuses = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const stream = session.request({ ':method': 'POST', ':path': '/budao/v1/telemetry' })
      const answered = new Promise<number>((resolve, reject) => {
        stream.on('response', (headers) => resolve(Number(headers[':status'])))
        stream.on('error', reject)
      })
      for (let at = 0; at < text.length; at += 200) stream.write(text.slice(at, at + 200))
      stream.end()
      return answered
    }),
  )
  assert.deepEqual(statuses, [204, 204, 204, 204, 204])
})

test('a flood is turned away before its bodies are read', async (t) => {
  const gateway = await twoWorkers(t, telemetry({ rate: 5 }))
  const responses = await Promise.all(Array.from({ length: 30 }, () => post(gateway, batch)))
  const limited = responses.filter(({ status }) => status === 429)
  assert.ok(limited.length >= 10, `${limited.length} of 30 were limited`)
  assert.equal(errorOf(limited[0]!).error, 'rate_limited')
  assert.match(limited[0]!.header('retry-after')!, /^\d+$/)
  assert.equal(sample(gateway, 'budao_sdk_batches_total{result="limited"}'), limited.length)
  const accepted = responses.filter(({ status }) => status === 204)
  assert.equal(accepted.length + limited.length, 30)
})

test('a reload keeps what was counted', async (t) => {
  const gateway = await twoWorkers(t, telemetry())
  assert.equal((await post(gateway, batch)).status, 204)
  const routes = [telemetry({ rate: 7 }), pingRoute] as { name: string }[]
  assert.deepEqual(await gateway.apply({ routes, workers: 2 }), { ok: true })
  const second = await post(gateway, batch)
  assert.equal(second.status, 204, second.body)
  assert.equal(sample(gateway, 'budao_sdk_batches_total{result="accepted"}'), 2)
})
