import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { rawServer, type RawClient, type RawConnection, type RawServer } from '@budao/testkit'
import { WebSocket, WebSocketServer } from 'ws'
import {
  requestText,
  testFiles,
  testGateway,
  until,
  type TestConfig,
  type TestGateway,
} from './test-gateway.test.ts'

const asks = ['Connection: keep-alive, Upgrade', 'Upgrade: websocket']
const granted =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: x\r\n\r\n'

interface Setup {
  readonly gateway: TestGateway
  readonly backend: RawServer
  /** The endpoint's ends of tunnels, in order. */
  readonly ends: RawConnection[]
}

/** An endpoint that grants every upgrade and then says `first`. */
async function upgrading(t: TestContext, config: TestConfig = {}, first = ''): Promise<Setup> {
  const ends: RawConnection[] = []
  const backend = await rawServer(t, ({ connection, header }) => {
    if (header('upgrade') === undefined) return connection.respond(200, 'plain')
    ends.push(connection)
    connection.write(granted + first)
  })
  const gateway = await testGateway(t, { endpoints: [backend.address], ...config })
  return { gateway, backend, ends }
}

async function open(gateway: TestGateway, behind = ''): Promise<RawClient> {
  const client = await gateway.connect()
  client.send(requestText('/chat', asks) + behind)
  await client.readUntil('\r\n\r\n')
  return client
}

const tunnels = (gateway: TestGateway): number =>
  Number(/\nbudao_gateway_tunnels (\d+)\n/.exec(gateway.gateway.metrics())![1])

test('the handshake passes, with what belongs to it and nothing else', async (t) => {
  const { gateway, backend } = await upgrading(t)
  const client = await gateway.connect()
  client.send(requestText('/chat', [...asks, 'Sec-WebSocket-Key: k', 'Connection: X-Hop', 'X-Hop: 1']))
  const answer = await client.readUntil('\r\n\r\n')
  assert.match(answer, /^HTTP\/1\.1 101 /)
  assert.match(answer, /\r\nSec-WebSocket-Accept: x\r\n/)
  assert.match(answer, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/)
  assert.match(answer, /\r\nX-Request-Id: /)
  const head = backend.heads[0]!
  assert.match(head, /\r\nSec-WebSocket-Key: k\r\n/)
  assert.equal(head.match(/\r\nConnection: Upgrade\r\n/g)!.length, 1)
  assert.equal(head.match(/\r\nUpgrade: websocket\r\n/g)!.length, 1)
  assert.doesNotMatch(head, /X-Hop|keep-alive/)
})

test('bytes pass both ways, those behind the heads first', async (t) => {
  const { gateway, ends } = await upgrading(t, {}, 'from the endpoint')
  const client = await open(gateway, 'early')
  assert.equal(await client.readBytes(17), 'from the endpoint')
  await until('early bytes', () => ends[0]!.received.endsWith('early'))
  client.send('GET / HTTP/1.1\r\n')
  await until('raw bytes', () => ends[0]!.received.endsWith('earlyGET / HTTP/1.1\r\n'))
  ends[0]!.write('\0\xff\r\n')
  assert.equal(await client.readBytes(4), '\0\xff\r\n')
  assert.equal(tunnels(gateway), 1)
  assert.equal(gateway.service().endpoints[0]!.inFlight, 1)
  assert.equal(gateway.service().inFlight, 0, 'the service’s limit is for requests')
  client.reset()
  await gateway.quiet()
  assert.equal(tunnels(gateway), 0)
  assert.match(gateway.gateway.metrics(), /\nbudao_gateway_tunnel_bytes_total\{direction="in"\} 21\n/)
  assert.match(gateway.gateway.metrics(), /\nbudao_gateway_tunnel_bytes_total\{direction="out"\} 21\n/)
})

test('each direction closes by itself', async (t) => {
  const { gateway, ends } = await upgrading(t)
  const client = await open(gateway)
  client.send('last words')
  client.endWriting()
  await ends[0]!.waitForEnd()
  assert.ok(ends[0]!.received.endsWith('last words'))
  ends[0]!.write('an answer behind it')
  assert.equal(await client.readBytes(19), 'an answer behind it')
  ends[0]!.end()
  assert.equal(await client.readToEnd(), '')
  await gateway.quiet()
})

test('an endpoint that closes its direction first still hears the client', async (t) => {
  const { gateway, ends } = await upgrading(t)
  const client = await open(gateway)
  ends[0]!.end()
  assert.equal(await client.readToEnd(), '')
  client.send('still here')
  await until('the client is heard', () => ends[0]!.received.endsWith('still here'))
  client.endWriting()
  await gateway.quiet()
})

for (const side of ['client', 'endpoint'] as const) {
  test(`a reset by the ${side} ends the other side too`, async (t) => {
    const { gateway, ends } = await upgrading(t)
    const client = await open(gateway)
    if (side === 'client') {
      client.reset()
      await ends[0]!.waitForEnd()
    } else {
      ends[0]!.reset()
      await client.readToEnd()
    }
    await gateway.quiet()
    assert.equal(tunnels(gateway), 0)
  })
}

test('a slow reader slows the writer down, in both directions', async (t) => {
  const { gateway, ends } = await upgrading(t)
  const client = await open(gateway)
  const piece = Buffer.alloc(65_536, 'x')
  const total = 64 * 1_024 * 1_024
  const fill = async (socket: RawClient['socket']): Promise<number> => {
    let sent = 0
    for (let stuck = false; sent < total && !stuck;) {
      stuck = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(true), 500)
        socket.write(piece, () => {
          clearTimeout(timer)
          resolve(false)
        })
      })
      if (!stuck) sent += piece.length
    }
    return sent
  }
  ends[0]!.socket.pause()
  assert.ok((await fill(client.socket)) < total / 2)
  client.socket.pause()
  assert.ok((await fill(ends[0]!.socket)) < total / 2)
  client.socket.destroy()
  ends[0]!.socket.destroy()
  await gateway.quiet()
})

const refusals: [name: string, request: string][] = [
  ['a body with a length', requestText('/chat', asks, 'GET / HTTP/1.1')],
  ['a body in chunks', requestText('/chat', [...asks, 'Transfer-Encoding: chunked'])],
  ['another method', requestText('POST /chat', asks)],
]
for (const [name, request] of refusals) {
  test(`an upgrade with ${name} is refused`, async (t) => {
    const { gateway, backend } = await upgrading(t)
    const client = await gateway.connect()
    client.send(request)
    const answer = await client.readResponse()
    assert.equal(answer.status, 400)
    assert.equal(JSON.parse(answer.body).error, 'bad_upgrade')
    await client.readToEnd()
    assert.equal(backend.heads.length, 0)
  })
}

const ignored: [name: string, lines: string[]][] = [
  ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']],
  ['without Connection', ['Upgrade: websocket']],
  ['of two protocols', ['Connection: Upgrade', 'Upgrade: websocket, h2c']],
  ['said twice', ['Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: websocket']],
  ['unknown', ['Connection: Upgrade', 'Upgrade: tea']],
]
for (const [name, lines] of ignored) {
  test(`an upgrade ${name} is an ordinary request`, async (t) => {
    const { gateway, backend } = await upgrading(t)
    const answer = await gateway.request('/chat', lines)
    assert.equal(answer.body, 'plain')
    assert.doesNotMatch(backend.heads[0]!, /upgrade/i)
  })
}

test('a route says what may be upgraded', async (t) => {
  const { gateway, ends } = await upgrading(t, { route: { upgrade: ['Tea'] } })
  assert.equal((await gateway.request('/chat', asks)).body, 'plain')
  const client = await gateway.connect()
  client.send(requestText('/chat', ['Connection: upgrade', 'Upgrade: tea']))
  // The endpoint turns to something else than was asked for.
  assert.equal((await client.readResponse()).status, 502)
  assert.equal(ends.length >= 1, true)
})

test('a 101 that nobody asked for is no answer', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.write(granted))
  const gateway = await testGateway(t, { endpoints: [backend.address], service: { outlier: false } })
  const answer = await gateway.request('/')
  assert.equal(answer.status, 502)
  assert.equal(JSON.parse(answer.body).error, 'upstream_protocol')
})

test('an endpoint that does not want to answers as always, and the connection goes on', async (t) => {
  const backend = await rawServer(t, ({ connection, header }) =>
    connection.respond(header('upgrade') === undefined ? 200 : 403, 'no'),
  )
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const client = await gateway.connect()
  client.send(requestText('/chat', asks))
  assert.equal((await client.readResponse()).status, 403)
  client.send(requestText('/'))
  assert.equal((await client.readResponse()).status, 200)
})

test('endpoints that cannot be reached are passed over before 101', async (t) => {
  const { backend, ends, gateway: unused } = await upgrading(t)
  await unused.gateway.close()
  const gateway = await testGateway(t, {
    endpoints: ['127.0.0.1:1', '127.0.0.1:2', backend.address],
    service: { balance: 'round-robin' },
  })
  for (let i = 0; i < 3; i++) await open(gateway)
  assert.equal(ends.length, 3)
})

test('silence in both directions ends it', async (t) => {
  const { gateway, ends } = await upgrading(t, { service: { timeouts: { tunnel: '200ms' } } })
  const client = await open(gateway)
  for (let i = 0; i < 5; i++) {
    await pause(60)
    client.send('x')
  }
  await until('all have come', () => ends[0]!.received.endsWith('xxxxx'))
  assert.equal(tunnels(gateway), 1)
  await client.readToEnd()
  await ends[0]!.waitForEnd()
  await gateway.quiet()
})

test('a reload keeps tunnels whose route and endpoint stay, and ends the others after the grace', async (t) => {
  const other = await rawServer(t, ({ connection }) => connection.respond(200))
  const config = { drain: '100ms' }
  const { gateway, backend, ends } = await upgrading(t, config)
  const client = await open(gateway)
  assert.ok((await gateway.apply({ ...config, endpoints: [backend.address, other.address] })).ok)
  client.send('still')
  await until('bytes pass', () => ends[0]!.received.endsWith('still'))
  const inFlight = (): number => gateway.service().endpoints[0]!.inFlight
  await until('it is counted at the endpoint of the new snapshot', () => inFlight() === 1)
  assert.ok((await gateway.apply({ ...config, endpoints: [other.address] })).ok)
  await client.readToEnd()
  await ends[0]!.waitForEnd()
  await gateway.quiet()
  assert.equal(inFlight(), 0)
})

test('a tunnel does not outlive the process by more than the drain time', async (t) => {
  const { gateway, ends } = await upgrading(t)
  const client = await open(gateway)
  assert.equal(await gateway.gateway.drain(300), false)
  assert.equal(client.closed, false)
  await gateway.gateway.close()
  await client.readToEnd()
  await ends[0]!.waitForEnd()
})

test('the log has one line for a tunnel, at its end', async (t) => {
  const dir = testFiles(t, {})
  const backend = await rawServer(t, ({ connection }) => connection.write(`${granted}hello`))
  const route = { filters: [{ accessLog: { path: 'access.log' } }] }
  const gateway = await testGateway(t, { endpoints: [backend.address], route }, dir)
  const client = await open(gateway)
  client.send('abc')
  await until('bytes pass', () => backend.connections[0]!.received.endsWith('abc'))
  client.reset()
  await gateway.quiet()
  await gateway.gateway.close()
  const [line, ...more] = readFileSync(join(dir, 'access.log'), 'utf8').trim().split('\n')
  assert.deepEqual(more, [])
  const entry = JSON.parse(line!)
  assert.equal(entry['http.response.status_code'], 101)
  assert.equal(entry['http.request.size'], 3)
  assert.equal(entry['http.response.size'], 5)
  assert.equal(entry['budao.reason'], 'client_closed')
})

/** A real server of WebSocket that says everything back. */
async function echoServer(
  t: TestContext,
): Promise<{ address: string; server: Server; sockets: WebSocketServer }> {
  const server = createServer()
  const sockets = new WebSocketServer({ server, perMessageDeflate: true })
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server, sockets }
}

test('WebSocket, by its library on both sides: text, binary, large, ping, close with a code', async (t) => {
  const { address, sockets } = await echoServer(t)
  const gateway = await testGateway(t, { endpoints: [address] })
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/chat`, { perMessageDeflate: true })
  t.after(() => socket.terminate())
  await once(socket, 'open')
  const said = async (data: string | Buffer): Promise<Buffer> => {
    socket.send(data)
    const [echo] = (await once(socket, 'message')) as [Buffer]
    return echo
  }
  assert.equal(String(await said('不倒')), '不倒')
  const large = Buffer.alloc(1_000_000, 'abc')
  assert.ok((await said(large)).equals(large))
  socket.ping('are you there')
  const [pong] = (await once(socket, 'pong')) as [Buffer]
  assert.equal(String(pong), 'are you there')
  const closed = once([...sockets.clients][0]!, 'close')
  socket.close(4_001, 'done')
  const [code] = (await closed) as [number]
  assert.equal(code, 4_001)
  await gateway.quiet()
})

test('a hundred WebSockets at once, each with its own', async (t) => {
  const { address } = await echoServer(t)
  const gateway = await testGateway(t, { endpoints: [address], workers: 2 })
  const all = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/${i}`)
      t.after(() => socket.terminate())
      await once(socket, 'open')
      socket.send(`hello ${i}`)
      const [echo] = (await once(socket, 'message')) as [Buffer]
      assert.equal(String(echo), `hello ${i}`)
      return socket
    }),
  )
  assert.equal(tunnels(gateway), 100)
  for (const socket of all) socket.close()
  await gateway.quiet()
  assert.equal(tunnels(gateway), 0)
})
