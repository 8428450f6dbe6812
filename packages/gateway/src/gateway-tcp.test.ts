import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { freePort, rawConnect, TestCa, type RawClient } from '@budao/testkit'
import { testFiles, testGateway, until, type TestConfig, type TestGateway } from './test-gateway.test.ts'
import { tlsBackend, tlsClient } from './test-tls.test.ts'

interface Backend {
  readonly address: string
  readonly server: Server
  /** Every connection it has had. */
  readonly sockets: Socket[]
}

/** A TCP backend; its connections allow one side to end before the other. */
async function backend(t: TestContext, serve: (socket: Socket) => void): Promise<Backend> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server, sockets }
}

const echo = (socket: Socket): void => {
  socket.on('data', (bytes) => socket.write(bytes))
  socket.on('end', () => socket.end())
}

function config(endpoints: readonly (string | object)[], more: TestConfig = {}): TestConfig {
  return {
    workers: 2,
    endpoints: endpoints as string[],
    routes: [],
    ...more,
    listener: { protocol: 'tcp', service: 'shop', ...more.listener },
  }
}

async function isReset(client: RawClient): Promise<void> {
  await client.readToEnd()
  assert.match(String(client.error), /ECONNRESET/)
}

/** A new connection is reset, perhaps before this side has seen that it was open. */
async function isRefused(gateway: TestGateway): Promise<void> {
  const client = await gateway.connect().catch((error: Error) => error)
  if (client instanceof Error) assert.match(String(client), /ECONNRESET/)
  else await isReset(client)
}

function metric(gateway: TestGateway, name: string): number {
  const value = new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.+)$`, 'm').exec(
    gateway.gateway.metrics(),
  )?.[1]
  assert.ok(value !== undefined, name)
  return Number(value)
}

test('bytes go both ways, in any size, and are counted; the end of one side is not the end of the other', async (t) => {
  // Answers only once the client has ended its side.
  const counting = await backend(t, (socket) => {
    let length = 0
    socket.on('data', (bytes) => (length += bytes.length))
    socket.on('end', () => socket.end(`${length} ${'y'.repeat(1_000_000)}`))
  })
  const gateway = await testGateway(t, config([counting.address]))
  const client = await gateway.connect()
  client.send('x'.repeat(3_000_000))
  client.endWriting()
  const answer = await client.readToEnd()
  assert.equal(answer, `3000000 ${'y'.repeat(1_000_000)}`)
  await gateway.quiet()
  assert.equal(metric(gateway, 'budao_gateway_tcp_bytes_total{listener="web",direction="in"}'), 3_000_000)
  assert.equal(metric(gateway, 'budao_gateway_tcp_bytes_total{listener="web",direction="out"}'), 1_000_008)
  assert.equal(gateway.service().endpoints[0]!.requestsTotal, 1)
})

test('a server may speak first, and end first', async (t) => {
  const greeting = await backend(t, (socket) => socket.end('220 ready\r\n'))
  const gateway = await testGateway(t, config([greeting.address]))
  const client = await gateway.connect()
  assert.equal(await client.readToEnd(), '220 ready\r\n')
  client.socket.end()
  await gateway.quiet()
})

test('who does not read is not read for: neither side can fill the gateway', async (t) => {
  const flood = Buffer.alloc(1 << 20)
  let sent = 0
  const flooding = await backend(t, (socket) => {
    const pour = (): void => {
      while (!socket.destroyed && socket.write(flood)) sent += flood.length
      sent += flood.length
    }
    socket.on('drain', pour)
    pour()
  })
  const gateway = await testGateway(t, config([flooding.address]))
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  let before = -1
  await until('the flood stands still', async () => {
    const stands = before === sent && sent > 0
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 100))
    return stands
  })
  // What the kernel holds for both connections, and no more.
  assert.ok(sent < 64 << 20, `${sent} bytes`)
  let received = 0
  socket.on('data', (bytes) => (received += bytes.length))
  const stood = sent
  await until('it flows again', () => received > stood && sent > stood)
})

test('endpoints that refuse are passed over before a byte is lost, ejected, and told of', async (t) => {
  const good = await backend(t, echo)
  const dead = `127.0.0.1:${await freePort()}`
  const gateway = await testGateway(t, config([dead, good.address], { service: { breaker: false } }))
  // Which of the two is asked first is drawn: three connections meet the dead one sooner or later.
  let sent = 0
  await until('the dead one is ejected', async () => {
    const client = await gateway.connect()
    client.send(`hello ${++sent}`)
    client.endWriting()
    assert.equal(await client.readToEnd(), `hello ${sent}`)
    return gateway.eventsOf('endpoint.ejected', dead).length > 0
  })
  await gateway.quiet()
  assert.equal(gateway.service().inFlight, 0)
})

test('nobody there: the connection is reset, and counted', async (t) => {
  const gateway = await testGateway(t, config([`127.0.0.1:${await freePort()}`]))
  await isRefused(gateway)
  await until('it is counted', () => metric(gateway, 'budao_gateway_tcp_failed_total{listener="web"}') === 1)
  await gateway.quiet()
})

test('the breaker of the service, its limits and its health checks hold for connections too', async (t) => {
  const good = await backend(t, echo)
  const gateway = await testGateway(
    t,
    config([good.address], {
      service: {
        limits: { concurrency: 1 },
        healthCheck: { type: 'tcp', interval: '50ms', timeout: '50ms' },
      },
    }),
  )
  const first = await gateway.connect()
  first.send('one')
  assert.equal(await first.readBytes(3), 'one')
  await isRefused(gateway)
  first.socket.destroy()
  await gateway.quiet()
  gateway.gateway.forceBreaker('shop', null, 'open', 'test')
  await isRefused(gateway)
  gateway.gateway.forceBreaker('shop', null, 'auto', 'test')
  const third = await gateway.connect()
  third.send('x')
  assert.equal(await third.readBytes(1), 'x')
  good.server.close()
  await until('checks see that it is gone', () => gateway.eventsOf('endpoint.unhealthy').length > 0)
})

test('idle connections end, and so do those that last too long', async (t) => {
  const good = await backend(t, echo)
  const gateway = await testGateway(t, config([good.address], { listener: { tcp: { idle: '200ms' } } }))
  const idle = await gateway.connect()
  await isReset(idle)
  await gateway.apply(config([good.address], { listener: { tcp: { maxDuration: '300ms' } } }))
  const busy = await gateway.connect()
  const timer = setInterval(() => busy.send('x'), 20)
  t.after(() => clearInterval(timer))
  await isReset(busy)
  clearInterval(timer)
  await gateway.quiet()
})

test('a reload cuts nothing, whatever becomes of listener, service and endpoint, and counts stay right', async (t) => {
  const [one, two] = [await backend(t, echo), await backend(t, echo)]
  const start = config([one.address])
  const gateway = await testGateway(t, start)
  const client = await gateway.connect()
  const works = async (text: string): Promise<void> => {
    client.send(text)
    assert.equal(await client.readBytes(text.length), text)
  }
  await works('before')
  // The set of endpoints is new, and with it its memory.
  assert.deepEqual(await gateway.apply(config([one.address, two.address])), { ok: true })
  await works('another endpoint beside it')
  await until('it counts there', () => gateway.service().endpoints[0]!.inFlight === 1)
  assert.equal(gateway.service().inFlight, 1)
  assert.deepEqual(await gateway.apply(config([two.address])), { ok: true })
  await works('its endpoint is gone')
  assert.deepEqual([gateway.service().endpoints[0]!.inFlight, gateway.service().inFlight], [0, 0])
  client.socket.destroy()
  await gateway.quiet()
  const later = await gateway.connect()
  later.send('later')
  assert.equal(await later.readBytes(5), 'later')
  assert.equal(two.sockets.length, 1)
})

test('a drain waits for connections as long as it may, and takes no new ones', async (t) => {
  const good = await backend(t, echo)
  const gateway = await testGateway(t, config([good.address]))
  const client = await gateway.connect()
  client.send('a')
  assert.equal(await client.readBytes(1), 'a')
  const drained = gateway.gateway.drain(10_000)
  await until('nobody listens', () =>
    gateway.connect().then(
      ({ socket }) => socket.destroy() === null,
      () => true,
    ),
  )
  client.send('still')
  assert.equal(await client.readBytes(5), 'still')
  client.endWriting()
  await client.readToEnd()
  assert.equal(await drained, true)
})

test('TLS ends here, or begins here, or both: the service gets and gives plain bytes', async (t) => {
  const ca = new TestCa()
  const site = ca.issue({ names: ['db.example', '127.0.0.1'] })
  const dir = testFiles(t, { 'site.crt': site.cert, 'site.key': site.key, 'ca.crt': ca.cert })
  const plain = await backend(t, echo)
  const secure = await tlsBackend(t, site)
  const tls = { cert: 'site.crt', key: 'site.key' }
  const ends = await testGateway(t, config([plain.address], { listener: { tls } }), dir)
  const { client } = await tlsClient(t, ends.port, { ca: ca.cert, ALPNProtocols: [] })
  client.send('through')
  assert.equal(await client.readBytes(7), 'through')
  client.endWriting()
  assert.equal(await client.readToEnd(), '')
  await ends.quiet()

  const begins = await testGateway(t, config([secure.address], { service: { tls: { ca: 'ca.crt' } } }), dir)
  const http = await begins.connect()
  http.send('GET / HTTP/1.1\r\n\r\n')
  assert.equal((await http.readResponse()).body, 'secure')
})

test('one client address has one endpoint with a hash', async (t) => {
  const backends = await Promise.all([backend(t, echo), backend(t, echo), backend(t, echo)])
  const gateway = await testGateway(
    t,
    config(
      backends.map(({ address }) => address),
      { service: { balance: 'maglev' } },
    ),
  )
  for (let i = 0; i < 6; i++) {
    const client = await rawConnect(t, gateway.port)
    client.send('x')
    await client.readBytes(1)
  }
  assert.deepEqual(backends.map(({ sockets }) => sockets.length).toSorted(), [0, 0, 6])
})
