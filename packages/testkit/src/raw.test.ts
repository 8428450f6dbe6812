import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultProxy } from './fault-proxy.ts'
import { rawConnect, rawExchange } from './raw-http.ts'
import { rawServer } from './raw-server.ts'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`

test('pipelined requests are answered in order, bodies taken by their length', async (t) => {
  const server = await rawServer(t, async ({ connection, target, body }) => {
    connection.respond(200, `${target}=${await body()}`)
  })
  const client = await rawConnect(t, server.port)
  client.send(`POST /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc${get('/b')}`)
  assert.equal((await client.readResponse()).body, '/a=abc')
  assert.equal((await client.readResponse()).body, '/b=')
  assert.equal(server.heads.length, 2)
  assert.equal(server.connections.length, 1)
})

test('a chunked answer is unframed, trailers apart, and a HEAD has no body', async (t) => {
  const server = await rawServer(t, ({ connection, method }) => {
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    if (method === 'GET') connection.write('3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n')
  })
  const response = await rawExchange(t, server.port, get('/'))
  assert.equal(response.body, 'abcde')
  assert.deepEqual(response.trailers, [['X-Sum', '5']])
  assert.equal(response.header('TRANSFER-encoding'), 'chunked')
  assert.equal((await rawExchange(t, server.port, 'HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n')).body, '')
})

test('a reset in the middle of an answer is seen as one, with the bytes that came', async (t) => {
  const server = await rawServer(t, async ({ connection }) => {
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    await new Promise((resolve) => setImmediate(resolve))
    connection.reset()
  })
  await assert.rejects(rawExchange(t, server.port, get('/')), /connection ended .* before 10 bytes/)
})

test('a client that leaves is seen by the backend that never answers', async (t) => {
  const asked = Promise.withResolvers<void>()
  const server = await rawServer(t, () => asked.resolve())
  const client = await rawConnect(t, server.port)
  client.send(get('/'))
  await asked.promise
  client.reset()
  await server.connections[0]!.waitForEnd()
  assert.equal(server.open, 0)
})

test('each fault does what its name says, and without one bytes pass unchanged', async (t) => {
  const server = await rawServer(t, ({ connection }) => connection.respond(200, 'x'.repeat(100)))
  const proxy = await faultProxy(t, server.port)
  assert.equal((await rawExchange(t, proxy.port, get('/'))).body.length, 100)

  proxy.set({ kind: 'truncate', bytes: 50 })
  await assert.rejects(rawExchange(t, proxy.port, get('/')), /connection ended/)

  proxy.set({ kind: 'throttle', bytesPerSecond: 5_000 })
  assert.equal((await rawExchange(t, proxy.port, get('/'))).body.length, 100)

  proxy.set({ kind: 'delay', ms: 5 })
  assert.equal((await rawExchange(t, proxy.port, get('/'))).body.length, 100)

  const held = await rawConnect(t, proxy.port)
  held.send(get('/'))
  await held.readResponse()
  proxy.set({ kind: 'reset' })
  await assert.rejects(held.readBytes(1), /ECONNRESET/)

  proxy.set({ kind: 'drop' })
  await assert.rejects(rawExchange(t, proxy.port, get('/')), /connection ended/)
})

test('behind a blackhole a request is sent and nothing comes', async (t) => {
  const server = await rawServer(t, ({ connection }) => connection.respond(200))
  const proxy = await faultProxy(t, server.port)
  proxy.set({ kind: 'blackhole' })
  const client = await rawConnect(t, proxy.port)
  client.send(get('/'))
  await assert.rejects(client.readBytes(1, 50), /no 1 bytes within 50 ms/)
  assert.equal(server.heads.length, 0)
})
