import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawHandler, type RawResponse } from '@budao/testkit'
import { requestText, testGateway, until } from './test-gateway.test.ts'

const echo: RawHandler = async ({ connection, body }) =>
  connection.respond(200, String((await body()).length))

function errorOf({ body }: RawResponse): string {
  return (JSON.parse(body) as { error: string }).error
}

test('a body larger than allowed is refused, by its announced length or when it has grown too large', async (t) => {
  const backend = await rawServer(t, echo)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { bodyBytes: 1_000 } },
  })
  assert.equal((await gateway.request('POST /', [], 'x'.repeat(1_000))).body, '1000')
  const announced = await gateway.connect()
  announced.send(requestText('POST /', ['Content-Length: 1001']))
  const response = await announced.readResponse()
  assert.equal(response.status, 413)
  assert.equal(errorOf(response), 'body_too_large')
  assert.equal(await announced.readToEnd(), '')
  assert.equal(backend.heads.length, 1)

  const growing = await gateway.connect()
  const before = backend.connections.at(-1)!.received.length
  growing.send(requestText('POST /', ['Transfer-Encoding: chunked']))
  for (let i = 0; i < 3; i++) {
    // The kept connection is used again: what came over it for the first request does not count.
    await until(
      'the part before',
      () => i === 0 || backend.connections.at(-1)!.received.length > before + i * 400,
    )
    growing.send(`190\r\n${'x'.repeat(400)}\r\n`)
  }
  assert.equal((await growing.readResponse()).status, 413)
  await until('the end of the connection', () => backend.connections.at(-1)!.ended)
  growing.socket.destroy()
  announced.socket.destroy()
  await gateway.quiet()
})

test('a head that takes too long is answered 408, and an idle connection is closed without a word', async (t) => {
  const backend = await rawServer(t, echo)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { headTimeout: '200ms', idle: '200ms' } },
  })
  const slow = await gateway.connect()
  slow.send(requestText('/').slice(0, 20))
  const response = await slow.readResponse()
  assert.equal(response.status, 408)
  assert.equal(errorOf(response), 'head_timeout')
  assert.equal(await slow.readToEnd(), '')

  for (const before of ['', requestText('/')]) {
    const idle = await gateway.connect()
    if (before !== '') {
      idle.send(before)
      await idle.readResponse()
    }
    assert.equal(await idle.readToEnd(), '')
  }
})

test('a client that dribbles its head gets no more time for that', async (t) => {
  const backend = await rawServer(t, echo)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { headTimeout: '300ms' } },
  })
  const client = await gateway.connect()
  client.send('GET / HTTP/1.1\r\n')
  const dribble = setInterval(() => client.send('A: b\r\n'), 20)
  t.after(() => clearInterval(dribble))
  assert.equal((await client.readResponse()).status, 408)
})

test('a request that cannot be read is refused, no byte of it reaches a backend, and nothing behind it is read', async (t) => {
  const backend = await rawServer(t, echo)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { headerBytes: 1_024, headers: 10 } },
  })
  const table: [text: string, status: number][] = [
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['GET / HTTP/1.1\nHost: a\n\n', 400],
    ['GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(2_000)}\r\n\r\n`, 431],
    [`GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(20)}\r\n`, 431],
    ['GET / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n', 417],
    ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 501],
    ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n', 501],
    ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ]
  for (const [text, status] of table) {
    const client = await gateway.connect()
    client.send(text + requestText('/smuggled'))
    const response = await client.readResponse()
    assert.equal(response.status, status, text)
    assert.equal(response.header('connection'), 'close')
    assert.equal(await client.readToEnd(), '')
  }
  assert.equal(backend.connections.length, 0)
})

test('a chunked body that turns out malformed ends both connections', async (t) => {
  const backend = await rawServer(t, echo)
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('POST /', ['Transfer-Encoding: chunked']) + '3\r\nabc\r\n')
  await until('a start at the backend', () => backend.connections[0]?.received.endsWith('abc\r\n') === true)
  client.send('3;evil=1\r\nabc\r\n0\r\n\r\n')
  assert.equal((await client.readResponse()).status, 400)
  assert.equal(await client.readToEnd(), '')
  await until('the end of the connection', () => backend.connections[0]!.ended)
  assert.doesNotMatch(backend.connections[0]!.received, /evil/)
})

test('a body that dribbles slower than it may is answered 408 however often a byte comes', async (t) => {
  const backend = await rawServer(t, echo)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    listener: { limits: { bodyRate: 1_000, bodyGrace: '50ms' } },
  })
  for (const framing of ['Content-Length: 50', 'Content-Length: 100000', 'Transfer-Encoding: chunked']) {
    const slow = await gateway.connect()
    slow.send(requestText('POST /', [framing]))
    const dribble = setInterval(() => slow.send(framing.startsWith('T') ? '1\r\nx\r\n' : 'x'), 20)
    t.after(() => clearInterval(dribble))
    const response = await slow.readResponse()
    clearInterval(dribble)
    assert.equal(response.status, 408, framing)
    assert.equal(errorOf(response), 'body_timeout')
    slow.socket.destroy()
  }
  const { breaker, endpoints } = gateway.service()
  assert.equal(breaker?.failures, 0, 'slow clients say nothing of the service')
  assert.equal(endpoints[0]!.failuresTotal, 0)
  await gateway.quiet()
})

test('a small body is received whole before an endpoint is asked, with 100 Continue where the client waits for it', async (t) => {
  const bodies: string[] = []
  const backend = await rawServer(t, async ({ connection, body }) => {
    bodies.push(await body())
    connection.respond(200, 'ok')
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const head = requestText('POST /', ['Content-Length: 6', 'Expect: 100-continue'])
  const client = await gateway.connect()
  client.send(head)
  assert.equal((await client.readResponse()).status, 100)
  assert.equal(backend.connections.length, 0, 'nobody is asked before the body is here')
  await client.sendPieces(['ab', 'cd', 'ef'])
  assert.equal((await client.readResponse()).status, 200)
  assert.deepEqual(bodies, ['abcdef'])

  client.send(head)
  assert.equal((await client.readResponse()).status, 100)
  client.send('abc')
  client.reset()
  await gateway.quiet()
  assert.equal(backend.heads.length, 1)
})
