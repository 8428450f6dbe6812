import assert from 'node:assert/strict'
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { test, type TestContext } from 'node:test'
import {
  frame,
  FrameType,
  rawHttp2,
  rawServer,
  requestFields,
  word,
  type RawConnection,
} from '@budao/testkit'
import { testGateway, until, type TestConfig, type TestGateway } from './test-gateway.test.ts'

/** A gateway that speaks HTTP/2 by prior knowledge, and a session with it. */
async function h2Gateway(
  t: TestContext,
  config: TestConfig,
): Promise<{ gateway: TestGateway; session: ClientHttp2Session }> {
  const gateway = await testGateway(t, {
    ...config,
    listener: { protocols: ['h2', 'http/1.1'], ...config.listener },
  })
  const session = connect(`http://127.0.0.1:${gateway.port}`)
  session.on('error', () => {})
  t.after(() => session.destroy())
  return { gateway, session }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  /** How the stream ended: 0 for well. */
  readonly code: number
}

function request(
  session: ClientHttp2Session,
  target: string,
  headers: OutgoingHttpHeaders = {},
  body?: string | readonly string[],
): Promise<Answer> {
  const [method, path] = target.startsWith('/') ? ['GET', target] : target.split(' ')
  const stream = session.request(
    { ':method': method, ':path': path, ':authority': 'shop.example', ...headers },
    { endStream: body === undefined },
  )
  for (const part of typeof body === 'string' ? [body] : (body ?? [])) stream.write(part)
  if (body !== undefined) stream.end()
  return answerOf(stream)
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let status = 0
  let headers: Record<string, unknown> = {}
  let body = ''
  stream.on('response', (fields) => {
    status = Number(fields[':status'])
    headers = { ...fields }
  })
  stream.on('error', () => {})
  stream.setEncoding('latin1')
  stream.on('data', (part: string) => {
    body += part
  })
  await new Promise((resolve) => stream.once('close', resolve))
  return { status, headers, body, code: stream.rstCode ?? -1 }
}

test('a request of HTTP/2 is routed, forwarded in HTTP/1.1 and answered', async (t) => {
  const backend = await rawServer(t, ({ connection }) => {
    connection.write(
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\nhello',
    )
  })
  const { session, gateway } = await h2Gateway(t, { endpoints: [backend.address] })
  const answer = await request(session, '/a/../b?c=d', {
    cookie: ['x=1', 'y=2'],
    te: 'trailers',
    'x-two': ['1', '2'],
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.body, 'hello')
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
  assert.equal(answer.headers['x-hop'], undefined)
  assert.equal(typeof answer.headers['x-request-id'], 'string')
  const head = backend.heads[0]!
  assert.match(head, /^GET \/b\?c=d HTTP\/1\.1\r\nhost: shop\.example\r\n/)
  assert.match(head, /\r\ncookie: x=1; y=2\r\n/)
  assert.match(head, /\r\nX-Forwarded-Host: shop\.example\r\n/)
  assert.doesNotMatch(head, /\r\n(?:te|transfer-encoding|connection):/i)
  assert.equal(gateway.route().requestsTotal, 1)
})

test('HTTP/1.1 is spoken on the same listener', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'one'))
  const { session, gateway } = await h2Gateway(t, { endpoints: [backend.address] })
  assert.equal((await request(session, '/')).body, 'one')
  assert.equal((await gateway.request('/')).body, 'one')
})

const bodies: [name: string, headers: OutgoingHttpHeaders, parts: string[], framing: RegExp, sent: string][] =
  [
    ['with its length', { 'content-length': 6 }, ['abc', 'def'], /content-length: 6\r\n/, 'abcdef'],
    [
      'of unknown length',
      {},
      ['abcdefghijklmnopq'],
      /transfer-encoding: chunked\r\n/i,
      '11\r\nabcdefghijklmnopq\r\n0\r\n\r\n',
    ],
    ['of no bytes', {}, [], /transfer-encoding: chunked\r\n/i, '0\r\n\r\n'],
  ]
for (const [name, headers, parts, framing, sent] of bodies) {
  test(`a body ${name} reaches the endpoint`, async (t) => {
    let received = ''
    const backend = await rawServer(t, async ({ connection, body }) => {
      received = await body()
      connection.respond(201, 'made')
    })
    const { session } = await h2Gateway(t, { endpoints: [backend.address] })
    const answer = await request(session, 'POST /things', headers, parts)
    assert.equal(answer.status, 201)
    assert.equal(answer.body, 'made')
    assert.match(backend.heads[0]!, framing)
    assert.equal(received, sent)
  })
}

const answers: [
  name: string,
  method: string,
  bytes: string,
  status: number,
  body: string,
  length?: string,
][] = [
  [
    'chunked',
    'GET',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n',
    200,
    'abcde',
  ],
  ['until close', 'GET', 'HTTP/1.1 200 OK\r\n\r\nto the end', 200, 'to the end'],
  ['to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n', 200, '', '12'],
  ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n', 304, '', '5'],
  [
    'behind 103',
    'GET',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    200,
    'ok',
    '2',
  ],
  ['empty', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200, '', '0'],
  [
    'with bytes beyond ASCII',
    'GET',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-B: \xe9\r\n\r\n\xff\x00',
    200,
    '\xff\x00',
    '2',
  ],
]
for (const [name, method, bytes, status, body, length] of answers) {
  test(`an answer ${name} reaches a client of HTTP/2`, async (t) => {
    const backend = await rawServer(t, ({ connection }) => {
      connection.write(bytes)
      if (name === 'until close') connection.end()
    })
    const { session } = await h2Gateway(t, { endpoints: [backend.address] })
    const answer = await request(session, `${method} /`)
    assert.equal(answer.status, status)
    assert.equal(answer.body, body)
    assert.equal(answer.headers['content-length'], length)
    assert.equal(answer.code, 0)
    if (name.endsWith('ASCII')) assert.equal(answer.headers['x-b'], '\xe9')
  })
}

const broken: [name: string, bytes: string][] = [
  ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['before a byte of its body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'],
]
for (const [name, bytes] of broken) {
  test(`an answer that breaks off does not look complete (${name})`, async (t) => {
    const backend = await rawServer(t, ({ connection }) => {
      connection.write(bytes)
      setTimeout(() => connection.reset(), 20)
    })
    const { session } = await h2Gateway(t, { endpoints: [backend.address] })
    const stream = session.request({ ':path': '/' })
    let ended = false
    stream.on('end', () => {
      ended = !stream.aborted
    })
    const answer = await answerOf(stream)
    assert.equal(answer.code, 2, 'INTERNAL_ERROR')
    assert.equal(ended, false)
  })
}

test('the gateway’s own answers: no route, a filter’s, a fallback', async (t) => {
  const { session } = await h2Gateway(t, {
    endpoints: ['127.0.0.1:1'],
    routes: [
      {
        name: 'limited',
        match: [{ path: { prefix: '/limited' } }],
        filters: [{ rateLimit: { requests: 1, per: '1h' } }],
        backends: [{ service: 'shop' }],
        fallback: { json: { degraded: 'über' } },
      },
    ],
  })
  const missing = await request(session, '/other')
  assert.equal(missing.status, 404)
  assert.equal(JSON.parse(missing.body).error, 'no_route')
  const fallback = await request(session, '/limited')
  assert.equal(fallback.status, 200)
  assert.equal(fallback.headers['x-budao-fallback'], 'json')
  assert.equal(Buffer.from(fallback.body, 'latin1').toString(), '{"degraded":"über"}')
  const limited = await request(session, '/limited')
  assert.equal(limited.status, 429)
  assert.equal(typeof limited.headers['x-request-id'], 'string')
})

test('a client that resets its stream cancels the attempt, and nothing else on the connection', async (t) => {
  const connections: RawConnection[] = []
  const backend = await rawServer(t, ({ connection, target }) => {
    if (target === '/slow') connections.push(connection)
    else connection.respond(200, 'fine')
  })
  const { session, gateway } = await h2Gateway(t, { endpoints: [backend.address] })
  const stream = session.request({ ':path': '/slow' })
  stream.on('error', () => {})
  await until('the endpoint was asked', () => connections.length === 1)
  stream.close(8)
  await connections[0]!.waitForEnd()
  assert.equal((await request(session, '/')).body, 'fine')
  await until('it is counted', () =>
    /requests_total\{route="shop",status="499"\} 1/.test(gateway.gateway.metrics()),
  )
})

test('part of a body is not taken for all of it when the client resets', async (t) => {
  const backend = await rawServer(t, () => {})
  const { gateway } = await h2Gateway(t, { endpoints: [backend.address] })
  const client = await rawHttp2(t, gateway.port)
  client.request(1, requestFields('POST /'), false)
  client.send(frame(FrameType.data, 0, 1, 'part'))
  await until('the part has arrived', () => backend.connections[0]?.received.endsWith('part\r\n') === true)
  client.send(frame(FrameType.resetStream, 0, 1, word(8)))
  await backend.connections[0]!.waitForEnd()
  assert.match(backend.connections[0]!.received, /4\r\npart\r\n$/)
})

test('100-continue is asked of the gateway and given', async (t) => {
  const backend = await rawServer(t, async ({ connection, body }) => {
    await body()
    connection.respond(200, 'ok')
  })
  const { session } = await h2Gateway(t, { endpoints: [backend.address] })
  const stream = session.request({
    ':path': '/',
    ':method': 'POST',
    expect: '100-continue',
    'content-length': 3,
  })
  stream.on('continue', () => stream.end('abc'))
  assert.equal((await answerOf(stream)).body, 'ok')
  assert.doesNotMatch(backend.heads[0]!, /expect/i)
})

test('an early answer ends the stream well and tells the client to stop', async (t) => {
  const { session } = await h2Gateway(t, {
    endpoints: ['127.0.0.1:1'],
    listener: { limits: { bodyBytes: 10 } },
  })
  const answer = await request(session, 'POST /', {}, ['more than ten bytes', 'and more'])
  assert.equal(answer.status, 413)
  assert.equal(answer.code, 0)
  assert.equal(JSON.parse(answer.body).error, 'body_too_large')
})
