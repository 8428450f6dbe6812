import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { requestText, testGateway, until } from './test-gateway.test.ts'

/** Backends answer by path, so that one gateway serves a whole test. */
function answers(byPath: Readonly<Record<string, string>>): RawHandler {
  return ({ connection, target }) => {
    connection.write(byPath[target]!)
    if (!/^content-length|^transfer-encoding|HTTP\/1.1 (204|304)/im.test(byPath[target]!)) connection.end()
  }
}

const chunked =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n'
const untilClose = 'HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nhello world'

test('answers of every framing reach a client of HTTP/1.1 whole, on one connection', async (t) => {
  const backend = await rawServer(
    t,
    answers({
      '/length': 'HTTP/1.1 200 Fine\r\nContent-Length: 11\r\nX-A: 1\r\n\r\nhello world',
      '/chunked': chunked,
      '/until-close': untilClose,
      '/empty': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1\r\n\r\n',
      '/204': 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nX-A: 1\r\n\r\n',
      '/304': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 11\r\nX-A: 1\r\n\r\n',
    }),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  const table: [
    target: string,
    status: number,
    body: string,
    length: string | undefined,
    trailers: number,
  ][] = [
    ['/length', 200, 'hello world', '11', 0],
    ['/chunked', 200, 'hello world', undefined, 1],
    ['/until-close', 200, 'hello world', undefined, 0],
    ['/empty', 200, '', '0', 0],
    ['/204', 204, '', undefined, 0],
    ['/304', 304, '', '11', 0],
  ]
  for (const [target, status, body, length, trailers] of table) {
    client.send(requestText(target))
    const response = await client.readResponse()
    assert.equal(response.status, status, target)
    assert.equal(response.body, body, target)
    assert.equal(response.header('content-length'), length, target)
    assert.equal(response.header('x-a'), '1', target)
    assert.equal(response.header('connection'), undefined, target)
    assert.equal(response.trailers.length, trailers, target)
    assert.equal(client.pending, '', target)
  }
})

test('the answer to HEAD has a length and no body, whatever its framing', async (t) => {
  const backend = await rawServer(t, ({ connection, target }) =>
    connection.write(
      target === '/length'
        ? 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n'
        : 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    ),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  for (const target of ['/length', '/chunked', '/length']) {
    client.send(requestText(`HEAD ${target}`))
    const response = await client.readResponse('HEAD')
    assert.equal(response.status, 200)
    assert.equal(response.header('content-length'), target === '/length' ? '11' : undefined)
  }
  assert.equal(client.pending, '')
  assert.equal(backend.connections.length, 1, 'the connection to the backend was kept')
})

test('a client of HTTP/1.0 gets no chunks, and the end of the connection as the end of the body', async (t) => {
  const backend = await rawServer(t, answers({ '/chunked': chunked, '/until-close': untilClose }))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  for (const target of ['/chunked', '/until-close']) {
    const client = await gateway.connect()
    client.send(`GET ${target} HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n`)
    const response = await client.readResponse()
    assert.equal(response.body, 'hello world', target)
    assert.equal(response.header('transfer-encoding'), undefined)
    assert.equal(response.header('connection'), 'close')
  }
})

test('a client of HTTP/1.0 keeps its connection when it asks to and the length is known', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  assert.equal((await client.readResponse()).header('connection'), 'keep-alive')
  client.send('GET / HTTP/1.0\r\n\r\n')
  const last = await client.readResponse()
  assert.equal(last.header('connection'), 'close')
  assert.equal(await client.readToEnd(), '')
})

test('Connection: close of the client is obeyed and not passed on', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('/', ['Connection: close']))
  assert.equal((await client.readResponse()).header('connection'), 'close')
  assert.equal(await client.readToEnd(), '')
  assert.doesNotMatch(backend.heads[0]!, /^connection:/im)
  await gateway.request('/')
  assert.equal(backend.connections.length, 1)
})

test('Connection: close of the backend costs its connection and not the client’s', async (t) => {
  const backend = await rawServer(t, ({ connection }) =>
    connection.respond(200, 'ok', { Connection: 'close' }),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  for (let i = 0; i < 3; i++) {
    client.send(requestText('/'))
    assert.equal((await client.readResponse()).header('connection'), undefined)
  }
  assert.equal(backend.connections.length, 3)
})

test('interim answers of a backend stay on its hop; an upgrade nobody asked for is no answer', async (t) => {
  const backend = await rawServer(t, async ({ connection, target }) => {
    if (target === '/101') return connection.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n')
    connection.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n')
    await new Promise((resolve) => setImmediate(resolve))
    connection.write('\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('/'))
  const response = await client.readResponse()
  assert.equal(response.status, 200)
  assert.equal(response.body, 'ok')
  assert.equal((await gateway.request('POST /101')).status, 502)
})

test('a request body reaches the backend as it was framed', async (t) => {
  const bodies: string[] = []
  const backend = await rawServer(t, async ({ connection, body }) => {
    bodies.push(await body())
    connection.respond(200, 'ok')
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()

  client.send(requestText('POST /length', [], 'hello world'))
  assert.equal((await client.readResponse()).status, 200)
  assert.match(backend.heads[0]!, /^Content-Length: 11\r$/m)
  assert.equal(bodies[0], 'hello world')

  const pieces = [
    requestText('POST /chunked', ['Transfer-Encoding: chunked']),
    '5\r\nhel',
    'lo\r\n6\r',
    '\n world\r\n0',
    '\r\n\r\n',
  ]
  await client.sendPieces(pieces)
  assert.equal((await client.readResponse()).status, 200)
  assert.match(backend.heads[1]!, /^Transfer-Encoding: chunked\r$/m)
  assert.doesNotMatch(backend.heads[1]!, /content-length/i)
  assert.equal(bodies[1], '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n')

  client.send(
    requestText('POST /trailers', ['Transfer-Encoding: chunked']) + '2\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n',
  )
  await until('the trailer', () => backend.connections[0]!.received.includes('X-Sum: 2\r\n\r\n'))
  assert.equal(backend.connections.length, 1)
})

test('a head may come in any pieces, with an empty line before it', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  const text = requestText('POST /', [], 'body')
  await client.sendPieces([...text])
  assert.equal((await client.readResponse()).body, 'ok')
  await client.sendPieces(['\r\n', text, '\r\n', text.slice(0, 30), text.slice(30)])
  assert.equal((await client.readResponse()).body, 'ok')
  assert.equal((await client.readResponse()).body, 'ok')
  await client.sendPieces(['\r', '\n', text])
  assert.equal((await client.readResponse()).body, 'ok')
  assert.equal(backend.heads.length, 4)
})

test('requests that come before their turn are answered in order, also when a part of the next head came early', async (t) => {
  const backend = await rawServer(t, async ({ connection, target }) => {
    await new Promise((resolve) => setImmediate(resolve))
    connection.respond(200, target)
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('/1') + requestText('POST /2', [], 'body') + requestText('/3').slice(0, 20))
  assert.equal((await client.readResponse()).body, '/1')
  assert.equal((await client.readResponse()).body, '/2')
  client.send(requestText('/3').slice(20))
  assert.equal((await client.readResponse()).body, '/3')
})

test('a thousand requests in one piece are answered in order', async (t) => {
  const backend = await rawServer(t, async ({ connection, body, target }) =>
    connection.respond(200, `${target} ${await body()}`),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  let text = ''
  for (let i = 0; i < 1_000; i++) text += requestText(`POST /${i}`, [], 'x'.repeat(1 + (i % 7)))
  client.send(text)
  for (let i = 0; i < 1_000; i++)
    assert.equal((await client.readResponse()).body, `/${i} ${'x'.repeat(1 + (i % 7))}`)
})

test('a thousand requests that the gateway answers by itself do not exhaust the stack', async (t) => {
  const gateway = await testGateway(t, {
    endpoints: ['127.0.0.1:1'],
    routes: [{ name: 'shop', match: [{ path: { exact: '/only' } }], backends: [{ service: 'shop' }] }],
  })
  const client = await gateway.connect()
  client.send(requestText('/other').repeat(5_000))
  for (let i = 0; i < 5_000; i++) assert.equal((await client.readResponse()).status, 404)
})

test('a client that waits for 100 Continue gets it when the request has a backend', async (t) => {
  const backend = await rawServer(t, async ({ connection, body }) => connection.respond(200, await body()))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('POST /', ['Content-Length: 4', 'Expect: 100-continue']))
  assert.equal((await client.readResponse()).status, 100)
  client.send('body')
  assert.equal((await client.readResponse()).body, 'body')
  assert.doesNotMatch(backend.heads[0]!, /expect/i)
})

test('a client that waits for 100 Continue and is refused is never asked for the body', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    route: { filters: [{ rateLimit: { key: 'route', requests: 1, per: '1h' } }] },
  })
  assert.equal((await gateway.request('/')).status, 200)
  const client = await gateway.connect()
  client.send(requestText('POST /', ['Content-Length: 4', 'Expect: 100-continue']))
  const response = await client.readResponse()
  assert.equal(response.status, 429)
  assert.equal(response.header('connection'), 'close')
  assert.equal(await client.readToEnd(), '')
  assert.equal(backend.heads.length, 1)
})

test('an answer that comes before the request is complete is passed on, and neither connection is used again', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(403, 'no'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('POST /', ['Content-Length: 100000']) + 'x'.repeat(1_000))
  const response = await client.readResponse()
  assert.equal(response.status, 403)
  assert.equal(response.body, 'no')
  assert.equal(response.header('connection'), 'close')
  assert.equal(await client.readToEnd(), '')
  client.socket.destroy()
  await gateway.quiet()
  assert.equal((await gateway.request('POST /', [], 'x')).status, 403)
  assert.equal(backend.connections.length, 2)
})

test('a backend that sends more than its answer loses the connection; the next request is clean', async (t) => {
  const backend = await rawServer(t, ({ connection, index }) => {
    if (index > 0) return connection.respond(200, 'reused')
    connection.write(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    )
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  for (let i = 0; i < 3; i++) {
    client.send(requestText('/'))
    const response = await client.readResponse()
    assert.equal(response.body, 'ok')
    assert.equal(client.pending, '')
  }
  assert.equal(backend.connections.length, 3)
})

test('what a backend sends to nobody costs its connection', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'ok'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  assert.equal((await gateway.request('/')).body, 'ok')
  backend.connections[0]!.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')
  await until('the end of the connection', () => backend.connections[0]!.ended)
  assert.equal((await gateway.request('/')).body, 'ok')
  assert.equal(backend.connections.length, 2)
})

const garbage: [name: string, bytes: string][] = [
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
  [
    'length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok'],
  ['an encoding nobody knows', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n'],
  ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`],
  ['a status that is none', 'HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n'],
  [
    'a malformed first chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n',
  ],
]

test('a backend that answers garbage is answered 502, and its connection is dropped', async (t) => {
  const bytes = new Map(garbage)
  const backend = await rawServer(t, ({ connection, header }) =>
    connection.write(bytes.get(header('x-case')!)!),
  )
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { outlier: false, breaker: false },
  })
  for (const [name] of garbage) {
    const response = await gateway.request('POST /', [`X-Case: ${name}`])
    assert.equal(response.status, 502, name)
    assert.equal((JSON.parse(response.body) as { error: string }).error, 'upstream_protocol', name)
  }
  await until('dropped connections', () => backend.open === 0)
})

test('an answer that breaks off does not look complete', async (t) => {
  const half: Readonly<Record<string, string>> = {
    '/length': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
    '/chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    '/bad-chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    '/until-close': 'HTTP/1.1 200 OK\r\n\r\nhalf',
  }
  const backend = await rawServer(t, ({ connection, target }) => connection.write(half[target]!))
  const gateway = await testGateway(t, { endpoints: [backend.address], service: { outlier: false } })
  for (const minor of ['1', '0']) {
    for (const target of Object.keys(half)) {
      const client = await gateway.connect()
      client.send(`GET ${target} HTTP/1.${minor}\r\nHost: a\r\n\r\n`)
      const start = await client.readUntil('half')
      const connection = backend.connections.at(-1)!
      if (target === '/length' || target === '/chunked') connection.end()
      else if (target === '/bad-chunk') connection.write('x\r\n')
      else connection.reset()
      const rest = await client.readToEnd()
      const framed = /^content-length: 100|^transfer-encoding/im.test(start)
      if (framed) assert.doesNotMatch(rest, /0\r\n\r\n$/, target)
      else
        assert.equal(
          (client.error as { readonly code?: string } | undefined)?.code,
          'ECONNRESET',
          `${target} 1.${minor}`,
        )
    }
  }
  await gateway.quiet()
})

test('the head of an answer does not wait for its body', async (t) => {
  const backend = await rawServer(t, ({ connection }) =>
    connection.write(
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
    ),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('/events'))
  assert.match(await client.readUntil('\r\n\r\n'), /event-stream/)
  backend.connections[0]!.write('2\r\nhi\r\n')
  assert.equal(await client.readUntil('hi\r\n'), '2\r\nhi\r\n')
  backend.connections[0]!.write('0\r\n\r\n')
  assert.equal(await client.readUntil('0\r\n\r\n'), '0\r\n\r\n')
})
