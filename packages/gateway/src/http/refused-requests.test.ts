import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer } from '@budao/testkit'
import { errorCodes, type ErrorCode } from '../errors.ts'
import { testGateway, until } from '../test-gateway.test.ts'

const post = (...lines: string[]): string => ['POST / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n')
const chunked = post('Transfer-Encoding: chunked')
/** What an attacker hides behind a request that two readers end at different places. */
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

const hostile: [why: string, bytes: string, code: ErrorCode][] = [
  ['CL.TE', `${post('Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`, 'bad_framing'],
  [
    'TE.CL',
    `${post('Transfer-Encoding: chunked', `Content-Length: 4`)}5c\r\n${smuggled}0\r\n\r\n`,
    'bad_framing',
  ],
  ['CL.CL', `${post('Content-Length: 0', 'Content-Length: 39')}${smuggled}`, 'bad_framing'],
  ['a list of lengths', `${post('Content-Length: 0, 39')}${smuggled}`, 'bad_framing'],
  ['a signed length', `${post('Content-Length: +39')}${smuggled}`, 'bad_framing'],
  ['a hexadecimal length', `${post('Content-Length: 0x27')}${smuggled}`, 'bad_framing'],
  [
    'chunked in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'bad_framing',
  ],
  [
    'another coding before chunked',
    `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n${smuggled}`,
    'transfer_encoding_not_supported',
  ],
  [
    'a coding that only looks like chunked',
    `${post('Transfer-Encoding: xchunked')}0\r\n\r\n${smuggled}`,
    'transfer_encoding_not_supported',
  ],
  [
    'a hidden coding',
    `${post('Content-Length: 5', 'Transfer-Encoding : chunked')}0\r\n\r\n${smuggled}`,
    'bad_header',
  ],
  [
    'a folded coding',
    `${post('Content-Length: 5', 'X: a', ' Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    'bad_header',
  ],
  ['an underscore twin', `${post('Content_Length: 39')}${smuggled}`, 'bad_header'],
  [
    'a header behind a bare LF',
    `${post('X: a\nTransfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${smuggled}`,
    'bad_header',
  ],
  [
    'a header behind a bare CR',
    `${post('X: a\rTransfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${smuggled}`,
    'bad_header',
  ],
  ['bare LF everywhere', 'GET / HTTP/1.1\nHost: a\n\n', 'bad_header'],
  ['NUL', post('X: a\0b'), 'bad_header'],
  ['two Hosts', post('Host: b'), 'bad_host'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 'bad_host'],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 'bad_host'],
  ['an absolute target of another host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 'bad_host'],
  ['HTTP/0.9', 'GET /\r\n\r\n', 'bad_request_line'],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 'version_not_supported'],
  ['HTTP/2 by prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'version_not_supported'],
  ['a fragment', 'GET /#a HTTP/1.1\r\nHost: a\r\n\r\n', 'bad_target'],
  ['a path that climbs', 'GET /../x HTTP/1.1\r\nHost: a\r\n\r\n', 'bad_target'],
  ['a NUL in the path', 'GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n', 'bad_target'],
  ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 'method_not_supported'],
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 'method_not_supported'],
  ['an expectation nobody knows', post('Expect: 200-maybe'), 'bad_expectation'],
  ['too many headers', post(...Array.from({ length: 101 }, (_, i) => `X-${i}: 1`)), 'head_too_large'],
  ['a head that is too large', post(`X: ${'a'.repeat(20_000)}`), 'head_too_large'],
  ['a head without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`, 'head_too_large'],
  ['a body that is too large', post('Content-Length: 1000001'), 'body_too_large'],
  ['a chunked body that is too large', `${chunked}f4241\r\n${'a'.repeat(1_000)}`, 'body_too_large'],
  ['a bad chunk in the first read', `${chunked}3\r\nabcd\r\n0\r\n\r\n${smuggled}`, 'bad_chunk'],
  ['a chunk extension', `${chunked}3;a=b\r\nabc\r\n0\r\n\r\n${smuggled}`, 'bad_chunk'],
  ['a chunk size above 64 bits', `${chunked}10000000000000003\r\nabc\r\n0\r\n\r\n${smuggled}`, 'bad_chunk'],
  ['a trailer that says another host', `${chunked}0\r\nHost: b\r\n\r\n${smuggled}`, 'bad_chunk'],
]

test('ambiguous and hostile requests are refused, their connection is closed, and no byte reaches a backend', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { bodyBytes: 1_000_000 } },
  })
  for (const [why, bytes, code] of hostile) {
    const client = await gateway.connect()
    client.send(bytes)
    const response = await client.readResponse()
    assert.deepEqual([response.status, JSON.parse(response.body).error], [errorCodes[code].status, code], why)
    assert.equal(response.header('connection'), 'close', why)
    assert.equal(await client.readToEnd(), '', `${why}: nothing behind the refusal`)
    assert.equal(backend.connections.map(({ received }) => received).join(''), '', why)
  }
  for (const [why, bytes, code] of hostile) {
    const before = backend.heads.length
    const client = await gateway.connect()
    client.send(`GET /first HTTP/1.1\r\nHost: a\r\n\r\n${bytes}`)
    assert.equal((await client.readResponse()).status, 200, `${why}: the request before it is answered`)
    assert.equal((await client.readResponse()).status, errorCodes[code].status, `${why} in a pipeline`)
    assert.equal(await client.readToEnd(), '', why)
    assert.equal(backend.heads.length, before + 1, why)
  }
  await gateway.quiet()
})

test('a body that turns bad on its way ends at the gateway: its backend connection is destroyed, never used again', async (t) => {
  const backend = await rawServer(t, async ({ connection, body }) => {
    await body()
    connection.respond(200, 'ok')
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const bad = [
    '2\r\nabc\r\n',
    'x\r\n',
    '3;a=b\r\nabc\r\n',
    '3\nabc\n',
    '0\r\nContent-Length: 3\r\n\r\n',
    '10000000000000000\r\n',
  ]
  for (const [index, rest] of bad.entries()) {
    const client = await gateway.connect()
    client.send(`${chunked}5\r\nhello\r\n`)
    await until(
      'the first part has reached the backend',
      () => backend.connections.at(index)?.received.endsWith('hello\r\n') === true,
    )
    client.send(`${rest}0\r\n\r\n${smuggled}`)
    const response = await client.readResponse()
    assert.deepEqual(
      [response.status, JSON.parse(response.body).error, response.header('connection')],
      [400, 'bad_chunk', 'close'],
      rest,
    )
    assert.equal(await client.readToEnd(), '', rest)
    const connection = backend.connections.at(index)!
    await connection.waitForEnd()
    assert.ok(
      connection.received.endsWith('\r\n\r\n5\r\nhello\r\n'),
      `${rest}: nothing behind the good part was sent`,
    )
  }
  const next = await gateway.request('/next')
  assert.equal(next.status, 200)
  assert.equal(backend.connections.length, bad.length + 1, 'the next request got a connection of its own')
  assert.deepEqual(
    backend.heads.filter((head) => head.includes('/smuggled')),
    [],
  )
  await gateway.quiet()
})

test('a request inside a body stays a body', async (t) => {
  const bodies: string[] = []
  const backend = await rawServer(t, async ({ connection, body }) => {
    bodies.push(await body())
    connection.respond(200, 'ok')
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  const framed = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
  for (const text of [
    `${post(`Content-Length: ${smuggled.length}`)}${smuggled}`,
    `${chunked}${framed}`,
    `${post('Connection: transfer-encoding, content-length', 'Transfer-Encoding: chunked')}${framed}`,
  ]) {
    client.send(text)
    assert.equal((await client.readResponse()).status, 200)
  }
  assert.deepEqual(bodies, [smuggled, framed, framed])
  assert.equal(backend.heads.length, 3)
})

test('the backend gets one Host, one framing and no forged origin, whatever the client names in Connection', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(
    [
      'POST http://shop.example/x HTTP/1.1',
      'Connection: keep-alive, host, x-forwarded-for, x-hop',
      ...[
        'host: shop.example',
        'X-Hop: 1',
        'X-Forwarded-For: 6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'Forwarded: for=6.6.6.6',
        'traceparent: 00-bad',
        'HTTP2-Settings: x',
      ],
      ...['Transfer-Encoding: chunked', 'TE: trailers', '', '0\r\nX-Sum: 1\r\n\r\n'],
    ].join('\r\n'),
  )
  assert.equal((await client.readResponse()).status, 200)
  const [head = ''] = backend.heads
  const lines = head.split('\r\n').slice(0, -2)
  const values = (name: string): string[] =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 2))
  assert.equal(lines[0], 'POST /x HTTP/1.1')
  assert.deepEqual(values('host'), ['shop.example'])
  assert.deepEqual(values('transfer-encoding'), ['chunked'])
  assert.deepEqual(values('x-forwarded-for'), ['127.0.0.1'])
  assert.equal(values('traceparent').length, 1)
  assert.match(values('traceparent')[0]!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  for (const name of ['x-hop', 'x-real-ip', 'forwarded', 'connection', 'te', 'http2-settings'])
    assert.deepEqual(values(name), [], name)
})

test('OPTIONS * is valid, and routed where no path is asked for', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    routes: [
      {
        name: 'path',
        hosts: ['path.example'],
        match: [{ path: { prefix: '/' } }],
        backends: [{ service: 'shop' }],
      },
      { name: 'any', hosts: ['any.example'], backends: [{ service: 'shop' }] },
    ],
  })
  const client = await gateway.connect()
  for (const [host, status] of [
    ['path.example', 404],
    ['any.example', 200],
  ] as const) {
    client.send(`OPTIONS * HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    assert.equal((await client.readResponse()).status, status, host)
  }
  assert.deepEqual(
    backend.heads.map((head) => head.split('\r\n')[0]),
    ['OPTIONS * HTTP/1.1'],
  )
})
