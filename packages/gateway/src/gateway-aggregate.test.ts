import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rawServer, type RawHandler, type RawResponse, type RawServer } from '@budao/testkit'
import { requestText, testFiles, testGateway, until, type TestGateway } from './test-gateway.test.ts'

const json = (text: string): RawHandler => {
  return ({ connection }) => connection.respond(200, text, { 'Content-Type': 'application/json' })
}
const never: RawHandler = () => {}

/** A gateway with one aggregate route, and a service for each of these backends by its name. */
async function aggregateOf(
  t: TestContext,
  backends: Readonly<Record<string, RawHandler>>,
  aggregate: object,
  route: object = {},
  baseDir?: string,
): Promise<{ gateway: TestGateway; servers: Readonly<Record<string, RawServer>> }> {
  const servers: Record<string, RawServer> = {}
  const services: Record<string, object> = {}
  for (const [name, handler] of Object.entries(backends)) {
    servers[name] = await rawServer(t, handler)
    services[name] = {
      endpoints: [{ address: servers[name].address, site: 'east' }],
      outlier: false,
      breaker: false,
    }
  }
  const gateway = await testGateway(t, { services, routes: [{ name: 'home', aggregate, ...route }] }, baseDir)
  return { gateway, servers }
}

function counts(gateway: TestGateway, part: string): Record<string, number> {
  const pattern = new RegExp(
    `^budao_gateway_calls_total\\{route="home",kind="part",part="${part}",outcome="(\\w+)"\\} ([1-9]\\d*)$`,
    'gm',
  )
  return Object.fromEntries(
    [...gateway.gateway.metrics().matchAll(pattern)].map(([, outcome, n]) => [outcome, Number(n)]),
  )
}

function errorOf({ body }: RawResponse): unknown {
  const { message, ...rest } = JSON.parse(body) as Record<string, unknown>
  assert.equal(typeof message, 'string')
  return rest
}

test('parts become one object, in the order of the file, every digit kept', async (t) => {
  const { gateway, servers } = await aggregateOf(
    t,
    {
      user: json('{"id": 12345678901234567890, "name": "Zoë \\u0041", "a": 1, "a": 1.0e2}'),
      cart: json(' [ [1, [2]], {"x": []} ] '),
      deep: json('{"data": {"items": [0, {"price": 0.10000000000000000001}], "items2": 1}}'),
      none: ({ connection }) => connection.respond(204),
    },
    {
      parts: {
        user: { service: 'user', path: '/me' },
        cart: { service: 'cart', path: '/cart' },
        price: { service: 'deep', path: '/', pick: 'data.items.1.price' },
        nothing: { service: 'none', path: '/' },
      },
      cacheControl: 'private, max-age=5',
    },
  )
  const response = await gateway.request('/', ['Accept: text/html', 'Accept-Encoding: gzip'])
  assert.equal(response.status, 200)
  assert.equal(
    Buffer.from(response.body, 'latin1').toString(),
    '{"user":{"id": 12345678901234567890, "name": "Zoë \\u0041", "a": 1, "a": 1.0e2},"cart": [ [1, [2]], {"x": []} ] ,"price":0.10000000000000000001,"nothing":null}'.replace(
      '"cart": [ [1, [2]], {"x": []} ] ,',
      '"cart":[ [1, [2]], {"x": []} ],',
    ),
  )
  assert.equal(response.header('content-type'), 'application/json')
  assert.equal(response.header('cache-control'), 'private, max-age=5')
  assert.match(servers['user']!.heads[0]!, /^GET \/me HTTP\/1.1\r\nHost: shop.example\r\n/)
  assert.match(servers['user']!.heads[0]!, /^Accept: application\/json\r$/m)
  assert.match(servers['user']!.heads[0]!, /^Accept-Encoding: identity\r$/m)
  assert.deepEqual(counts(gateway, 'user'), { '2xx': 1 })
  const head = await gateway.connect()
  head.send(requestText('HEAD /') + requestText('/'))
  const { status, header } = await head.readResponse('HEAD')
  assert.equal(`${status} ${header('content-length')}`, `200 ${response.body.length}`)
  assert.equal((await head.readResponse()).body, response.body)
  await until('counts', () => gateway.route('home').status['2xx'] === 3)
})

test('parts are asked at the same time, as many as may be, and nobody beyond', async (t) => {
  let open = 0
  let most = 0
  const waiting: (() => void)[] = []
  const slow: RawHandler = async ({ connection }) => {
    most = Math.max(most, ++open)
    await new Promise<void>((resolve) => waiting.push(resolve))
    open--
    connection.respond(200, '1')
  }
  const names = ['a', 'b', 'c', 'd', 'e']
  const { gateway } = await aggregateOf(
    t,
    { slow },
    {
      parts: Object.fromEntries(names.map((name) => [name, { service: 'slow', path: `/${name}` }])),
      concurrency: 2,
    },
  )
  const answer = gateway.request('/')
  for (let left = names.length; left > 0; left--) {
    await until('somebody to wait', () => waiting.length > 0 && open === Math.min(left, 2))
    waiting.shift()!()
  }
  assert.equal((await answer).body, '{"a":1,"b":1,"c":1,"d":1,"e":1}')
  assert.equal(most, 2)
})

test('what fails or is late is left out and named, with its reason; a default stands in', async (t) => {
  const dir = testFiles(t, {})
  const { gateway } = await aggregateOf(
    t,
    {
      good: json('1'),
      late: never,
      reset: ({ connection }) => connection.reset(),
      html: json('<html>'),
      cut: json('{"a":'),
      latin: ({ connection }) => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"\xe9"'),
      zip: ({ connection }) => connection.respond(200, '1', { 'Content-Encoding': 'gzip' }),
      error: ({ connection }) => connection.respond(404, '{"no":1}'),
      moved: ({ connection }) => connection.respond(302, '', { Location: '/' }),
      large: json('"' + 'x'.repeat(200) + '"'),
      empty: json('{}'),
    },
    {
      timeout: '400ms',
      parts: {
        good: { service: 'good', path: '/' },
        late: { service: 'late', path: '/', timeout: '100ms' },
        reset: { service: 'reset', path: '/', default: { items: [] } },
        html: { service: 'html', path: '/', default: null },
        cut: { service: 'cut', path: '/' },
        latin: { service: 'latin', path: '/' },
        zip: { service: 'zip', path: '/' },
        error: { service: 'error', path: '/' },
        moved: { service: 'moved', path: '/' },
        large: { service: 'large', path: '/', bytes: 100 },
        pick: { service: 'empty', path: '/', pick: 'data' },
        value: { service: 'good', path: '/{query.id}' },
        bad: { service: 'good', path: '/{header.x-id}' },
      },
    },
    { filters: [{ accessLog: { path: 'access.log' } }] },
    dir,
  )
  const response = await gateway.request('/', ['X-Id: ..'])
  assert.equal(response.status, 200)
  assert.equal(response.header('cache-control'), 'no-store')
  const reasons = {
    late: 'upstream_timeout',
    reset: 'upstream_reset',
    html: 'not_json',
    cut: 'not_json',
    latin: 'not_json',
    zip: 'encoded',
    error: 'status_404',
    moved: 'status_302',
    large: 'answer_too_large',
    pick: 'pick_missing',
    value: 'value_missing',
    bad: 'value_bad',
  }
  assert.deepEqual(JSON.parse(response.body), {
    good: 1,
    reset: { items: [] },
    html: null,
    partial: Object.keys(reasons),
    reasons,
  })
  assert.deepEqual(counts(gateway, 'late'), { late: 1 })
  assert.deepEqual(counts(gateway, 'reset'), { failed: 1 })
  assert.deepEqual(counts(gateway, 'error'), { '4xx': 1 })
  for (const part of ['html', 'zip', 'large', 'pick'])
    assert.deepEqual(counts(gateway, part), { unusable: 1 }, part)
  for (const part of ['value', 'bad']) assert.deepEqual(counts(gateway, part), { skipped: 1 }, part)
  const read = (): string => readFileSync(join(dir, 'access.log'), 'utf8')
  await until('the log', () => read().endsWith('\n'))
  const line = JSON.parse(read()) as Record<string, unknown>
  assert.equal(line['budao.answered_by'], 'aggregate')
  assert.equal(line['budao.reason'], 'partial')
  const parts = line['budao.parts'] as Record<string, Record<string, unknown>>
  assert.deepEqual(Object.keys(parts), ['good', ...Object.keys(reasons)])
  assert.equal(parts['good']!['status'], 200)
  assert.equal(parts['good']!['reason'], undefined)
  assert.equal(parts['error']!['status'], 404)
  assert.equal(parts['error']!['reason'], 'status_404')
  assert.ok(Number(parts['late']!['attempts']) > 0)
})

test('without a required part there is no answer, and nobody waits for the others', async (t) => {
  const { gateway } = await aggregateOf(
    t,
    {
      never,
      failing: ({ connection, target }) => connection.respond(Number(target.slice(1)), '{}'),
      reset: ({ connection }) => connection.reset(),
    },
    {
      timeout: '200ms',
      parts: {
        a: { service: 'failing', path: '/{query.status}', required: true },
        b: { service: 'never', path: '/' },
      },
    },
  )
  for (const [status, expected] of [
    [500, 502],
    [404, 404],
    [401, 401],
    [409, 502],
    [302, 502],
  ] as const) {
    const response = await gateway.request(`/?status=${status}`)
    assert.equal(response.status, expected, String(status))
    assert.deepEqual(errorOf(response), { error: 'part_failed', part: 'a', reason: `status_${status}` })
  }
  await until('the others to be cancelled', () => gateway.service('never').inFlight === 0)
  const missing = await gateway.request('/')
  assert.equal(missing.status, 502)
  assert.deepEqual(errorOf(missing), { error: 'part_failed', part: 'a', reason: 'value_missing' })
  await gateway.quiet()
  assert.deepEqual(counts(gateway, 'b'), {}, 'a call that was cancelled has no outcome')
})

test('all parts may be required; one that is late is 504, and one may still be optional', async (t) => {
  const { gateway } = await aggregateOf(
    t,
    { good: json('1'), never, gone: ({ connection }) => connection.respond(500) },
    {
      timeout: '100ms',
      onFailure: 'fail',
      parts: {
        good: { service: 'good', path: '/' },
        extra: { service: 'gone', path: '/', required: false },
        late: { service: 'never', path: '/' },
      },
    },
  )
  const response = await gateway.request('/')
  assert.equal(response.status, 504)
  assert.deepEqual(errorOf(response), { error: 'part_late', part: 'late', reason: 'upstream_timeout' })
})

test('the whole answer has a size: what does not fit is left out', async (t) => {
  const { gateway } = await aggregateOf(
    t,
    { many: json(`"${'é'.repeat(100)}"`), few: json('1') },
    {
      bytes: 410,
      parts: Object.fromEntries(
        ['a', 'b', 'c', 'd'].map((name) => [name, { service: name === 'd' ? 'few' : 'many', path: '/' }]),
      ),
    },
  )
  const body = JSON.parse((await gateway.request('/')).body) as Record<string, unknown>
  assert.deepEqual(Object.keys(body), ['a', 'b', 'd', 'partial', 'reasons'])
  assert.deepEqual(body['reasons'], { c: 'answer_full' })
})

test('values of the request go where they are put and nowhere else', async (t) => {
  const echo: RawHandler = ({ connection, head }) => connection.respond(200, JSON.stringify(head))
  const { gateway } = await aggregateOf(
    t,
    { echo },
    {
      passHeaders: ['Accept-Language', 'Cookie'],
      parts: {
        p: {
          service: 'echo',
          path: '/u/{path.id}/näh.{path.kind}',
          query: {
            'q&=': '{query.q}',
            lang: 'x-{header.accept-language}',
            s: '{cookie.s}',
            none: '{query.none}',
          },
          headers: { 'X-Id': 'id {path.id}', 'X-None': '{query.none}', 'Accept-Language': 'de' },
        },
      },
    },
    { match: [{ path: { regex: '/city/(?<id>[^/]+)/(?<kind>\\w+)' } }] },
  )
  const ask = async (target: string, lines: string[] = []): Promise<string> => {
    const { p, reasons } = JSON.parse((await gateway.request(target, lines)).body) as {
      p?: string
      reasons?: Record<string, string>
    }
    return p ?? reasons!['p']!
  }
  const head = await ask('/city/4%202/json?q=a%26b%3D%23%3F', [
    'Accept-Language: fr',
    'Authorization: Bearer x',
    'Cookie: s=1%2F2',
    'X-Other: 1',
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ])
  const [line, ...lines] = head.split('\r\n')
  assert.equal(line, 'GET /u/4%202/n%C3%A4h.json?q%26%3D=a%26b%3D%23%3F&lang=x-fr&s=1%252F2 HTTP/1.1')
  assert.ok(lines.includes('X-Id: id 4 2'))
  assert.ok(lines.includes('Cookie: s=1%2F2'))
  assert.ok(lines.includes('Accept-Language: de'))
  assert.ok(lines.includes('X-Forwarded-For: 127.0.0.1'))
  assert.ok(lines.includes('X-Forwarded-Host: shop.example'))
  assert.ok(lines.includes('traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'))
  assert.ok(lines.some((each) => /^X-Request-Id: ./.test(each)))
  assert.doesNotMatch(head, /authorization|x-other|x-none|accept-language: fr/i)

  for (const bad of ['%0d%0aX:%201', '%7f', 'a%00', '.%2e%2fx', '..%5cx'])
    assert.match(
      await ask(`/city/x/json?q=${bad}`),
      bad.includes('%2e') || bad.includes('5c') ? /^GET/ : /^value_bad$/,
    )
  assert.match(await ask('/city/a%2Fb/json'), /^GET \/u\/a%2Fb\/n/, 'one segment')
  assert.equal(await ask('/city/..%3bx/json'), 'value_bad')
  assert.match(await ask('/city/%ff/json'), /^GET \/u\/%25FF\//, 'no UTF-8 is taken as it stands')
})

test('a path cannot be led astray by any value', async (t) => {
  const { gateway, servers } = await aggregateOf(
    t,
    { one: ({ connection, target }) => connection.respond(200, JSON.stringify(target)) },
    { parts: { p: { service: 'one', path: '/safe/{header.x-v}/end' } } },
  )
  for (const [value, expected] of [
    ['a b', '/safe/a%20b/end'],
    ['a/b', '/safe/a%2Fb/end'],
    ['a/../b', 'value_bad'],
    ['a\\..', 'value_bad'],
    ['?x=1#y', '/safe/%3Fx%3D1%23y/end'],
    ['a;b', '/safe/a%3Bb/end'],
    ['é', '/safe/%C3%A9/end'],
    ['..', 'value_bad'],
    ['.', 'value_bad'],
    ['../x', 'value_bad'],
    ['..;x', 'value_bad'],
    ['a\tb', 'value_bad'],
    ['', 'value_missing'],
  ] as const) {
    const { body } = await gateway.request('/', [`X-V: ${Buffer.from(value).toString('latin1')}`])
    const { p, reasons } = JSON.parse(body) as { p?: string; reasons?: { p: string } }
    const got = p ?? reasons!.p
    assert.equal(got, expected, value)
  }
  assert.ok(servers['one']!.heads.every((head) => head.startsWith('GET /safe/')))
})

test('a claim of the token reaches parts, by itself or by its header, and no client can write it', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const dir = testFiles(t, {
    'keys.json': JSON.stringify({
      keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'k' }],
    }),
  })
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${encode({ alg: 'ES256', kid: 'k' })}.${encode({ sub: 'u-7', n: 8 })}`
  const signature = sign('sha256', Buffer.from(unsigned), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const { gateway, servers } = await aggregateOf(
    t,
    { one: json('1') },
    { parts: { p: { service: 'one', path: '/users/{header.x-user-id}/{claim.sub}/{claim.n}' } } },
    { filters: [{ jwt: { jwks: 'keys.json', forwardClaims: { sub: 'X-User-Id' } } }] },
    dir,
  )
  const token = `Authorization: Bearer ${unsigned}.${signature.toString('base64url')}`
  assert.equal((await gateway.request('/', [token, 'X-User-Id: admin'])).body, '{"p":1}')
  assert.match(servers['one']!.heads[0]!, /^GET \/users\/u-7\/u-7\/8 /)
  assert.doesNotMatch(servers['one']!.heads[0]!, /authorization/i)
  assert.equal((await gateway.request('/', ['X-User-Id: admin'])).status, 401)
})

test('a POST part has its body and is not asked twice; other methods of the client are refused', async (t) => {
  const { gateway, servers } = await aggregateOf(
    t,
    {
      rpc: async ({ connection, body }) => connection.respond(200, await body()),
      reset: async ({ connection, body }) => {
        await body()
        connection.reset()
      },
    },
    {
      parts: {
        a: { service: 'rpc', path: '/rpc', method: 'POST', json: { method: 'top', n: 3 } },
        b: { service: 'reset', path: '/rpc', method: 'POST' },
      },
    },
  )
  const { body } = await gateway.request('/')
  assert.deepEqual(JSON.parse(body), {
    a: { method: 'top', n: 3 },
    partial: ['b'],
    reasons: { b: 'upstream_reset' },
  })
  assert.match(servers['rpc']!.heads[0]!, /^Content-Type: application\/json\r$/m)
  assert.equal(servers['reset']!.heads.length, 1)
  for (const method of ['POST', 'DELETE', 'OPTIONS']) {
    const response = await gateway.request(`${method} /`, [], method === 'POST' ? 'x' : '')
    assert.equal(response.status, 405)
    assert.equal(response.header('allow'), 'GET, HEAD')
    assert.deepEqual(errorOf(response), { error: 'method_not_allowed' })
  }
  const client = await gateway.connect()
  client.send(requestText('GET /', [], 'a body that nobody wants') + requestText('/'))
  assert.equal((await client.readResponse()).status, 200)
  assert.equal((await client.readResponse()).status, 200)
})

test('parts are retried within their budget, and a client that leaves takes all of them along', async (t) => {
  let resets = 1
  const { gateway, servers } = await aggregateOf(
    t,
    {
      flaky: ({ connection }) => (resets-- > 0 ? connection.reset() : connection.respond(200, '1')),
      never,
    },
    { parts: { a: { service: 'flaky', path: '/' }, b: { service: 'never', path: '/{query.b}' } } },
  )
  assert.equal((await gateway.request('/')).body.startsWith('{"a":1,'), true)
  assert.equal(servers['flaky']!.heads.length, 2)

  const client = await gateway.connect()
  client.send(requestText('/?b=1'))
  await until('it to be asked', () => servers['never']!.heads.length === 1)
  client.reset()
  await until('it to be cancelled', () => servers['never']!.open === 0)
  await gateway.quiet()
  assert.equal(gateway.service('never').inFlight, 0)
})

test('a body that goes wrong while parts are asked for ends them', async (t) => {
  const { gateway, servers } = await aggregateOf(
    t,
    { never },
    { parts: { a: { service: 'never', path: '/' } } },
  )
  const client = await gateway.connect()
  client.send('GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  await until('it to be asked', () => servers['never']!.heads.length === 1)
  client.send('nonsense\r\n')
  assert.equal((await client.readResponse()).status, 400)
  await until('it to be cancelled', () => servers['never']!.open === 0)
  await gateway.quiet()
})
